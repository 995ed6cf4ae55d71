// The telephone of practice. It has no carrier and no sound: what the caller says stands on the page.
// The same interface as the other devices: events registered, unregistered, incoming, cancelled, connected, ended, error.

const csrf = () => JSON.parse(document.body.getAttribute("hx-headers:inherited"))["X-CSRF-Token"];

export class Device extends EventTarget {
  register() {
    this.dispatchEvent(new CustomEvent("registered"));
  }

  async accept() {
    const call = document.getElementById("band").dataset.call;
    const answer = await fetch("/practice/answer", {
      method: "POST",
      headers: { "X-CSRF-Token": csrf(), accept: "application/json" },
      body: new URLSearchParams({ call }),
    });
    if (answer.ok) this.dispatchEvent(new CustomEvent("connected", { detail: { callSid: call } }));
    else this.dispatchEvent(new CustomEvent("error", { detail: { message: (await answer.json()).message } }));
  }

  mute() {}

  sendDigits() {}

  destroy() {}
}
