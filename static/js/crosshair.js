// What the charts share: how a pointer, a finger and the keys move over a frame, and the rows of what is read there.

export const element = (className, parent) => {
  const node = document.createElement("div");
  node.className = className;
  node.hidden = true;
  parent.append(node);
  return node;
};

export const line = (text, className) => {
  const node = document.createElement("div");
  node.className = className;
  node.textContent = text;
  return node;
};

export const row = (term, value, isPrivate = false) => {
  const node = line("", "chart__tip-row");
  const [left, right] = [document.createElement("span"), document.createElement("span")];
  left.textContent = term;
  right.textContent = value;
  if (isPrivate) right.className = "private";
  node.append(left, right);
  return node;
};

// Where a key leads from a place of so many; undefined for keys that lead nowhere.
export const stepped = (key, at, last) => {
  const moves = { ArrowLeft: at - 1, ArrowDown: at - 1, ArrowRight: at + 1, ArrowUp: at + 1, PageDown: at - 30, PageUp: at + 30, Home: 0, End: last };
  return key in moves ? Math.min(last, Math.max(0, moves[key])) : undefined;
};

// A mouse that leaves takes the reading with it; a finger that is lifted leaves it to be read, until it taps elsewhere.
// Gives back what ends the listening outside of the frame.
export const listenToPointer = (frame, follow, leave) => {
  const elsewhere = (event) => {
    if (!frame.contains(event.target)) leave();
  };
  for (const kind of ["pointermove", "pointerdown"]) frame.addEventListener(kind, follow);
  frame.addEventListener("pointerleave", (event) => {
    if (event.pointerType === "mouse") leave();
  });
  frame.addEventListener("blur", leave);
  document.addEventListener("pointerdown", elsewhere);
  return () => document.removeEventListener("pointerdown", elsewhere);
};
