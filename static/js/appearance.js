// Theme and privacy: an attribute on the root and a cookie, so that the server draws the next page right at once.

const YEAR = 365 * 24 * 3600;
const root = document.documentElement;

export const setAppearance = (name, value) => {
  const on = name === "privacy" ? value === "on" : Boolean(value);
  document.cookie = `${name}=${value}; path=/; max-age=${on ? YEAR : 0}; samesite=lax`;
  if (on) root.dataset[name] = value;
  else delete root.dataset[name];
  reflect(name, on ? value : "");
  document.dispatchEvent(new CustomEvent("longview:appearance", { detail: { name, value } }));
};

const reflect = (name, value) => {
  for (const button of document.querySelectorAll(`[data-appearance] button[name="${name}"]`)) {
    if (name === "privacy") {
      button.value = value ? "off" : "on";
      button.setAttribute("aria-pressed", String(Boolean(value)));
    } else {
      button.setAttribute("aria-pressed", String(button.value === value));
    }
  }
};

// What a canvas writes where amounts are hidden: it cannot blur a part of itself.
export const HIDDEN = "\u2022\u2022\u2022";
export const hidesAmounts = () => root.dataset.privacy === "on";

// What a canvas has drawn is drawn again when its colours change: theme, system, paper. Gives back what ends that.
export const onLooks = (redraw) => {
  const queries = ["(prefers-color-scheme: dark)", "print"].map((query) => matchMedia(query));
  document.addEventListener("longview:appearance", redraw);
  for (const query of queries) query.addEventListener("change", redraw);
  return () => {
    document.removeEventListener("longview:appearance", redraw);
    for (const query of queries) query.removeEventListener("change", redraw);
  };
};

// A colour token as the browser resolves it now; light-dark() is opaque to getPropertyValue. Where the system forces
// its colours, slices keep theirs: they would all be one.
const probe = document.createElement("span");
probe.hidden = true;
export const colour = (token) => {
  if (!probe.isConnected) document.body.append(probe);
  probe.style.forcedColorAdjust = token.startsWith("--slice") ? "none" : "auto";
  probe.style.color = `var(${token})`;
  return getComputedStyle(probe).color;
};

export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

const GAP = 30_000;
let spoken = 0;
let pending;
// Live announcements come at most every 30 seconds; the newest wins.
export const announce = (text) => {
  clearTimeout(pending);
  const wait = Math.max(0, spoken + GAP - Date.now());
  pending = setTimeout(() => {
    spoken = Date.now();
    document.getElementById("announcer").textContent = text;
  }, wait);
};
