// The page of a chat: sends each message to the address that it stands at, and shows what comes back as text.
(() => {
  const list = document.querySelector("#messages");
  const form = document.querySelector("form");
  const input = form.elements.chatInput;
  const files = form.elements.files;
  const button = form.querySelector("button");
  const newSession = () => (crypto.randomUUID ? crypto.randomUUID() : String(Math.random()).slice(2));

  // A chat that shows what was said before goes on with its session where the browser keeps it.
  const place = `chat ${location.pathname}`;
  const keptSession = () => {
    try {
      const kept = localStorage.getItem(place) || newSession();
      localStorage.setItem(place, kept);
      return kept;
    } catch {
      return newSession();
    }
  };
  const loads = "loads" in form.dataset;
  const sessionId = loads ? keptSession() : newSession();

  const show = (text, who) => {
    const message = document.createElement("li");
    message.className = who;
    message.textContent = text;
    list.append(message);
    message.scrollIntoView({ block: "end" });
    return message;
  };

  const said = (answer) => {
    if (answer === null || typeof answer !== "object") return String(answer ?? "");
    const text = answer.output ?? answer.text ?? answer.message;
    if (typeof text === "string") return text;
    return JSON.stringify(text ?? answer, null, 2);
  };

  const ask = async (chatInput, chosen) => {
    const message = { action: "sendMessage", sessionId, chatInput };
    if (!chosen.length) return post(message);
    const body = new FormData();
    for (const [name, value] of Object.entries(message)) body.append(name, value);
    for (const file of chosen) body.append("files", file);
    return fetch(location.href, { method: "POST", body });
  };

  const post = (message) => fetch(location.href, {
    method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(message),
  });

  const showEarlier = async () => {
    const response = await post({ action: "loadPreviousSession", sessionId });
    const { data } = await response.json();
    for (const { id, kwargs } of data) {
      const who = { HumanMessage: "user", AIMessage: "bot" }[id.at(-1)];
      if (who && typeof kwargs.content === "string" && kwargs.content) show(kwargs.content, who);
    }
  };
  if (loads) showEarlier().catch(() => {});

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = input.value.trim();
    const chosen = files ? [...files.files] : [];
    if (!text && !chosen.length) return;
    show([text, ...chosen.map((file) => file.name)].filter(Boolean).join("\n"), "user");
    form.reset();
    button.disabled = true;
    const waiting = show("…", "bot");
    try {
      const response = await ask(text, chosen);
      const body = await response.text();
      let answer = body;
      try { answer = JSON.parse(body); } catch { /* it is a text */ }
      waiting.textContent = said(answer) || "(no answer)";
      if (!response.ok) waiting.classList.add("error");
    } catch {
      waiting.textContent = "The message could not be sent.";
      waiting.classList.add("error");
    }
    button.disabled = false;
    waiting.scrollIntoView({ block: "end" });
    input.focus();
  });

  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
})();
