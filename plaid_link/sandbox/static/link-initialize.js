// Stands in for Plaid's link-initialize.js: window.Plaid.create({ token, onSuccess, onExit }).open(), with Plaid's
// callbacks. No inline style and no inline script, so that it runs under a strict content security policy.

(() => {
  const origin = new URL(document.currentScript.src).origin;

  const rules = `
    dialog { padding: 0; border: 0; border-radius: 0.875rem; width: min(27rem, 100vw - 2rem); height: min(44rem, 100dvh - 2rem); overflow: hidden; background: Canvas; box-shadow: 0 24px 64px rgb(0 0 0 / 0.35); }
    dialog::backdrop { background: rgb(10 12 16 / 0.55); }
    iframe { display: block; width: 100%; height: 100%; border: 0; }
    @media (width < 30rem) { dialog { width: 100vw; height: 100dvh; max-width: none; max-height: none; margin: 0; border-radius: 0; } }
  `;

  const built = (token) => {
    const host = document.createElement("div");
    const root = host.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(rules);
    root.adoptedStyleSheets = [sheet];
    const dialog = document.createElement("dialog");
    dialog.setAttribute("aria-label", "Connect an account");
    const frame = document.createElement("iframe");
    frame.title = "Connect an account";
    frame.src = `${origin}/link?${new URLSearchParams({ token, origin: location.origin })}`;
    dialog.append(frame);
    root.append(dialog);
    return { host, dialog, frame };
  };

  const create = ({ token, onSuccess, onExit, onLoad, onEvent }) => {
    let parts;

    const close = () => {
      if (!parts) return;
      window.removeEventListener("message", hear);
      parts.dialog.close();
      parts.host.remove();
      parts = undefined;
    };

    const leave = (error) => {
      if (!parts) return;
      close();
      onEvent?.("EXIT", {});
      onExit?.(error, { link_session_id: null, institution: null, status: null });
    };

    const hear = (message) => {
      if (message.origin !== origin || message.source !== parts?.frame.contentWindow || message.data?.from !== "plaid-link") return;
      if (message.data.event === "exit") leave(message.data.error);
      if (message.data.event !== "success") return;
      const { publicToken, metadata } = message.data;
      close();
      onEvent?.("HANDOFF", { link_session_id: metadata.link_session_id });
      onSuccess?.(publicToken, metadata);
    };

    const open = () => {
      if (parts) return;
      parts = built(token);
      parts.dialog.addEventListener("cancel", (event) => { event.preventDefault(); leave(null); });
      parts.frame.addEventListener("load", () => { onEvent?.("OPEN", {}); parts?.frame.focus(); });
      window.addEventListener("message", hear);
      document.body.append(parts.host);
      parts.dialog.showModal();
    };

    queueMicrotask(() => onLoad?.());
    return { open, exit: () => leave(null), destroy: close, submit: () => undefined };
  };

  window.Plaid = { create, version: "2.0.0" };
})();
