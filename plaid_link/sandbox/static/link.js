// The Link page inside its frame: sends the choice to the server and the outcome to the page around it.

const { token, origin } = document.body.dataset;
const form = document.querySelector("form");
const problem = document.querySelector(".problem");

const tell = (event, details = {}) => {
  if (origin) window.parent.postMessage({ from: "plaid-link", event, ...details }, origin);
};

const complete = async () => {
  const response = await fetch("/link/complete", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ link_token: token, ...Object.fromEntries(new FormData(form)) }),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.display_message ?? answer.error_message);
  return answer;
};

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("[type=submit]");
  button.disabled = true;
  problem.hidden = true;
  try {
    const { public_token: publicToken, metadata } = await complete();
    tell("success", { publicToken, metadata });
    document.querySelector("h1").textContent = "Connected. You may close this window.";
    form.remove();
  } catch (error) {
    problem.textContent = error.message;
    problem.hidden = false;
    button.disabled = false;
  }
});

document.querySelector("[data-exit]").addEventListener("click", () => {
  const code = document.querySelector("[data-code]")?.dataset.code;
  tell("exit", {
    error: code
      ? { error_type: "INVALID_INPUT", error_code: code, error_message: "invalid link_token provided", display_message: "This link has expired. Please start again." }
      : null,
  });
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") tell("exit", { error: null });
});
