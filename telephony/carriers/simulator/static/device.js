/** The simulator's softphone: same interface as the carrier's device, no audio.
 *
 * Events: registered, unregistered, incoming {callSid, from}, cancelled {callSid}, connected {callSid},
 * ended {callSid}, error {message}. Reconnects by itself until destroyed. */

const FIRST_WAIT_MS = 300;
const LONGEST_WAIT_MS = 5000;
const BAD_TOKEN = 4401;
const BAD_ORIGIN = 4403;

export class Device extends EventTarget {
  #token;
  #url;
  #socket = null;
  #timer = null;
  #attempts = 0;
  #wanted = false;
  #registered = false;
  #ringing = null;
  #current = null;

  /** `url` is the simulator's address (http, https, ws or wss); `token` an access token. */
  constructor({ token, url }) {
    super();
    this.#token = token;
    this.#url = url;
  }

  get registered() {
    return this.#registered;
  }

  /** The call in progress, or null. */
  get callSid() {
    return this.#current;
  }

  register() {
    this.#wanted = true;
    if (this.#socket === null) this.#open();
  }

  accept() {
    this.#send("accept", this.#ringing);
  }

  reject() {
    this.#send("reject", this.#ringing);
    this.#ringing = null;
  }

  hangUp() {
    this.#send("hangup", this.#current);
  }

  mute(on) {
    this.#send("mute", this.#current, { on: Boolean(on) });
  }

  sendDigits(digits) {
    this.#send("digits", this.#current, { digits });
  }

  /** A fresh token for the next connection; one that was refused is replaced at once. */
  setToken(token) {
    this.#token = token;
    if (this.#wanted && this.#socket === null) {
      clearTimeout(this.#timer);
      this.#open();
    }
  }

  destroy() {
    this.#wanted = false;
    clearTimeout(this.#timer);
    this.#socket?.close(1000);
    this.#lost();
  }

  #address() {
    const address = new URL("device", this.#url.endsWith("/") ? this.#url : `${this.#url}/`);
    address.protocol = address.protocol.replace("http", "ws");
    address.searchParams.set("token", this.#token);
    return address;
  }

  #open() {
    const socket = new WebSocket(this.#address());
    this.#socket = socket;
    socket.addEventListener("message", (event) => this.#receive(JSON.parse(event.data)));
    socket.addEventListener("close", (event) => {
      if (this.#socket === socket) this.#closed(event);
    });
  }

  #closed(event) {
    this.#lost();
    if (!this.#wanted) return;
    if (event.code === BAD_TOKEN || event.code === BAD_ORIGIN) {
      this.#emit("error", { message: event.reason, code: event.code });
      if (event.code === BAD_ORIGIN) return;
    }
    const wait = Math.min(FIRST_WAIT_MS * 2 ** this.#attempts, LONGEST_WAIT_MS);
    this.#attempts += 1;
    this.#timer = setTimeout(() => this.#open(), wait * (0.75 + Math.random() / 2));
  }

  /** What is known only through the socket is no longer known; the server may give the call back. */
  #lost() {
    this.#socket = null;
    if (this.#ringing !== null) this.#emit("cancelled", { callSid: this.#ringing });
    this.#ringing = null;
    if (this.#registered) {
      this.#registered = false;
      this.#emit("unregistered", {});
    }
  }

  #receive(message) {
    const callSid = message.call_sid ?? null;
    switch (message.type) {
      case "registered":
        this.#attempts = 0;
        this.#registered = true;
        this.#emit("registered", {});
        if (this.#current !== null && this.#current !== callSid) {
          const ended = this.#current; // it ended while we were away
          this.#current = null;
          this.#emit("ended", { callSid: ended });
        }
        break;
      case "incoming":
        this.#ringing = callSid;
        this.#emit("incoming", { callSid, from: message.from, parameters: message.parameters });
        break;
      case "cancel":
        if (this.#ringing === callSid) this.#ringing = null;
        this.#emit("cancelled", { callSid });
        break;
      case "connected":
        this.#ringing = null;
        this.#current = callSid;
        this.#emit("connected", { callSid });
        break;
      case "ended":
        if (this.#current === callSid) this.#current = null;
        this.#emit("ended", { callSid });
        break;
      default:
        this.#emit("error", { message: message.message ?? "unknown message" });
    }
  }

  #send(type, callSid, more = {}) {
    if (callSid === null || this.#socket?.readyState !== WebSocket.OPEN) return;
    this.#socket.send(JSON.stringify({ type, call_sid: callSid, ...more }));
  }

  #emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
