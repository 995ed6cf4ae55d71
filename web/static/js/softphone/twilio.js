// The telephone behind a real carrier: Twilio's Voice SDK, loaded only when it is the device in use.
// The same interface as simulator.js: events registered, unregistered, incoming, cancelled, connected, ended, error; and
// expiring, a little before its token is of no use any more.

const SDK = "/static/vendor/twilio/twilio.min.js";

function loadSdk() {
  if (window.Twilio) return Promise.resolve();
  return new Promise((done, failed) => {
    const script = document.createElement("script");
    script.src = SDK;
    script.onload = done;
    script.onerror = () => {
      script.remove();
      failed(new Error("Twilio SDK"));
    };
    document.head.append(script);
  });
}

export class Device extends EventTarget {
  #token;
  #device = null;
  #call = null;

  constructor({ token }) {
    super();
    this.#token = token;
  }

  async register() {
    await loadSdk();
    this.#device = new window.Twilio.Device(this.#token, { closeProtection: true, logLevel: "error" });
    this.#device.on("registered", () => this.#tell("registered"));
    this.#device.on("unregistered", () => this.#tell("unregistered"));
    this.#device.on("error", (error) => this.#tell("error", { message: error.message }));
    this.#device.on("tokenWillExpire", () => this.#tell("expiring"));
    this.#device.on("incoming", (call) => this.#offered(call));
    await this.#device.register();
  }

  accept() {
    this.#call?.accept();
  }

  reject() {
    this.#call?.reject();
  }

  hangUp() {
    this.#call?.disconnect();
  }

  mute(on) {
    this.#call?.mute(on);
  }

  sendDigits(digits) {
    this.#call?.sendDigits(digits);
  }

  setToken(token) {
    this.#token = token;
    this.#device?.updateToken(token);
    if (this.#device?.state !== "unregistered") return;
    this.#device.register().catch((error) => this.#tell("error", { message: error.message })); // the one before was over
  }

  destroy() {
    this.#device?.destroy(); // of which the SDK says nothing
    this.#device = null;
    this.#tell("unregistered");
  }

  #offered(call) {
    this.#call = call;
    call.on("accept", () => this.#tell("connected", { callSid: call.parameters.CallSid }));
    call.on("cancel", () => this.#over(call, "cancelled"));
    call.on("reject", () => this.#over(call, "cancelled"));
    call.on("disconnect", () => this.#over(call, "ended"));
    this.#tell("incoming", { callSid: call.parameters.CallSid, from: call.parameters.From });
  }

  #over(call, name) {
    if (call !== this.#call) return; // a ring that was already taken back, behind the one that is offered now
    this.#call = null;
    this.#tell(name);
  }

  #tell(name, detail = {}) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
