// Plaid Link: asks our API for a token, lets the user sign in at the brokerage, hands the public token back.
// The script is Plaid's own, or the local Plaid server's of the same name; its address comes with the page.

const holder = document.getElementById("link-state");
const message = holder?.querySelector("[data-link-message]");

const say = (text) => {
  holder.hidden = !text;
  holder.className = text ? "banner link-state" : "";
  message.textContent = text;
};

const post = async (url, body) => {
  const response = await fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRFToken": holder.querySelector("[name=csrfmiddlewaretoken]").value },
    body: JSON.stringify(body),
  });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.error ?? answer.detail ?? `The server answered ${response.status}.`);
  return answer;
};

let script;
const loadScript = () => {
  script ??= new Promise((resolve, reject) => {
    const element = document.createElement("script");
    element.src = holder.dataset.script;
    element.onload = resolve;
    element.onerror = () => { script = undefined; reject(new Error("Plaid could not be reached. Check your connection and try again.")); };
    document.head.append(element);
  });
  return script;
};

const exchange = async (publicToken) => {
  say("Signed in. Reading your accounts…");
  const answer = await post(holder.dataset.exchangeUrl, { user_id: Number(holder.dataset.user), public_token: publicToken });
  const next = new URL(holder.dataset.doneUrl, location.href);
  next.searchParams.set("item", answer.item_id);
  if (answer.job_id) next.searchParams.set("job", answer.job_id);
  location.assign(next);
};

// The access stays the same one: what is left to do is to read again.
const repaired = async (button) => {
  say("Signed in again. Reading your accounts…");
  await post(button.dataset.refresh, {});
  location.reload();
};

const open = (token, onSuccess) => {
  const handler = window.Plaid.create({
    token,
    onSuccess: (publicToken) => onSuccess(publicToken).catch((error) => say(error.message)),
    onExit: (error) => { say(error ? error.display_message || "The brokerage did not let us in. Nothing was changed." : ""); handler.destroy?.(); },
  });
  handler.open();
};

const start = async (button) => {
  button.disabled = true;
  say("");
  try {
    const body = { user_id: Number(holder.dataset.user) };
    const isNew = button.dataset.link === "new";
    if (!isNew) body.item_id = button.dataset.item;
    if (button.dataset.link === "accounts") body.add_accounts = true;
    const [answer] = await Promise.all([post(holder.dataset.tokenUrl, body), loadScript()]);
    open(answer.link_token, isNew ? exchange : () => repaired(button));
  } catch (error) {
    say(error.message);
  } finally {
    button.disabled = false;
  }
};

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-link]");
  if (button && holder) start(button);
});
