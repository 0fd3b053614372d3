// The offline page: what the overview last said in this browser, with its time.

const when = new Intl.DateTimeFormat("en-US", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const kept = JSON.parse(localStorage.getItem("overview") ?? "null");

if (kept) {
  document.getElementById("offline-words").textContent = `This is your overview as it was on ${when.format(new Date(kept.at))}; nothing in it is newer.`;
  // Written by this browser from our own page; scripts in it would not run, and the policy forbids them too.
  document.getElementById("offline-kept").innerHTML = kept.parts;
  for (const [name, value] of Object.entries(kept.looks)) document.documentElement.dataset[name] = value;
}
addEventListener("online", () => location.assign("/"));
