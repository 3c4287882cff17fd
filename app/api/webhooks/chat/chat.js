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

  // What agents say comes as parts: JSON, one a line.
  const joined = (lines) => {
    const parts = lines.split("\n").filter(Boolean).map((line) => JSON.parse(line));
    return { output: parts.filter(({ type }) => type === "item").map(({ content }) => content).join("") };
  };

  const said = (answer) => {
    if (answer === null || typeof answer !== "object") return String(answer ?? "");
    const text = answer.output ?? answer.text ?? answer.message;
    if (typeof text === "string") return text;
    return JSON.stringify(text ?? answer, null, 2);
  };

  // Where the next message goes: to the workflow, or to where it waits for a reply.
  let address = location.href;

  const post = (message) => fetch(address, {
    method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(message),
  });

  const ask = async (chatInput, chosen) => {
    const message = { action: "sendMessage", sessionId, chatInput };
    if (!chosen.length) return post(message);
    const body = new FormData();
    for (const [name, value] of Object.entries(message)) body.append(name, value);
    for (const file of chosen) body.append("files", file);
    return fetch(address, { method: "POST", body });
  };

  const block = (blocked) => {
    button.disabled = blocked;
    input.disabled = blocked;
  };

  // One thing that a Chat node has said: a text, or a text with buttons, of which one is the reply.
  const showSaid = (message) => {
    const { text, buttons = [], blockUserInput } = typeof message === "object" ? message : { text: String(message) };
    const item = show(text, "bot");
    const choices = document.createElement("p");
    choices.className = "choices";
    for (const each of buttons) {
      const choice = document.createElement("button");
      choice.type = "button";
      choice.textContent = each.text;
      choice.addEventListener("click", () => {
        show(each.text, "user");
        exchange(() => post({ action: "sendMessage", sessionId, approved: each.approved }));
      });
      choices.append(choice, " ");
    }
    if (buttons.length) item.append(choices);
    if (blockUserInput) block(true);
  };

  const showMessages = (answer) => {
    document.querySelectorAll("#messages .choices").forEach((each) => each.remove());
    answer.messages.forEach(showSaid);
  };

  /** Sends something, and shows what is said to it. */
  const exchange = async (send) => {
    block(true);
    const waiting = show("…", "bot");
    const fail = (text) => {
      waiting.textContent = text;
      waiting.classList.add("error");
    };
    try {
      const response = await send();
      const body = await response.text();
      let answer = body;
      try { answer = /^\{"type":"begin"/.test(body) ? joined(body) : JSON.parse(body); } catch { /* it is a text */ }
      block(false);
      if (Array.isArray(answer?.messages)) {
        address = answer.reply ?? location.href;
        showMessages(answer);
        if (response.ok) waiting.remove();
        else fail(said(answer.message));
      } else if (response.ok) {
        waiting.textContent = said(answer) || "(no answer)";
      } else {
        // What waited for a reply has ended: the next message starts anew.
        if (response.status !== 400) address = location.href;
        fail(said(answer) || "(no answer)");
      }
    } catch {
      block(false);
      fail("The message could not be sent.");
    }
    list.lastElementChild.scrollIntoView({ block: "end" });
    input.focus();
  };

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
    await exchange(() => ask(text, chosen));
  });

  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
})();
