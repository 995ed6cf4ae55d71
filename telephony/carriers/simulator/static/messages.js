/** A citizen's telephone with its SMS, which he can answer; and the e-mails that reached the stand-in mail server. */

import { speak, token, words } from "/static/words.js";

const MOBILE = /^\+393/; // others get no SMS
const element = (id) => document.getElementById(id);
const headers = token ? { Authorization: `Bearer ${token}` } : {};
let chosen = new URLSearchParams(location.search).get("number") ?? "";
let shown = "";
let names = {}; // people to try with, by number
let lineOf = ""; // the last number that this telephone had to do with

async function ask(path, method = "GET", body) {
  const answer = await fetch(`/simulator/${path}`, {
    method, headers: body ? { ...headers, "Content-Type": "application/json" } : headers,
    body: body && JSON.stringify(body),
  });
  if (!answer.ok) throw new Error((await answer.json().catch(() => ({}))).detail ?? answer.status);
  return answer.json();
}

function made(tag, text, className = "") {
  const one = document.createElement(tag);
  one.textContent = text;
  one.className = className;
  return one;
}

function drawPhones(phones) {
  const select = element("number");
  const numbers = [...new Set([...phones.map((phone) => phone.number), ...Object.keys(names)])];
  if (chosen && !numbers.includes(chosen)) numbers.push(chosen);
  chosen ||= numbers[0] ?? "";
  if ([...select.options].map((option) => option.value).join() !== numbers.join()) {
    select.replaceChildren(...numbers.map((number) => new Option(`${number} ${names[number] ?? ""}`.trim(), number, false, number === chosen)));
  }
}

function bubble(text) {
  const item = made("li", "", text.inbound ? "mine" : "theirs");
  item.append(made("p", text.body), made("small", `${text.inbound ? words().you : text.from} · ${text.status}`));
  return item;
}

function letter(mail) {
  const item = made("article", "", "letter");
  item.append(made("h3", mail.subject), made("p", `${mail.from} → ${mail.to}`, "hint"), made("pre", mail.body));
  if (mail.stop.startsWith("http")) {
    const link = made("a", words().stopMail);
    link.href = mail.stop;
    item.append(link);
  }
  return item;
}

async function look() {
  try {
    const { phones } = await ask("texts");
    drawPhones(phones);
    const { texts } = chosen ? await ask(`texts?number=${encodeURIComponent(chosen)}`) : { texts: [] };
    const { mails } = await ask("mail");
    const now = JSON.stringify([chosen, texts, mails, words().you]);
    element("notice").hidden = true;
    if (now === shown) return;
    shown = now;
    element("texts").replaceChildren(...texts.map(bubble));
    element("no-texts").hidden = texts.length > 0;
    const last = texts.map((text) => (text.inbound ? text.to : text.from)).at(-1);
    if (last && lineOf !== `${chosen} ${last}`) element("line").value = last;
    lineOf = `${chosen} ${last}`;
    element("mails").replaceChildren(...mails.map(letter));
    element("no-mail").hidden = mails.length > 0;
  } catch {
    element("notice").textContent = words().offline;
    element("notice").hidden = false;
  }
}

element("number").addEventListener("change", (event) => {
  chosen = event.target.value;
  element("fate").value = "delivered";
  look();
});
element("fate").addEventListener("change", (event) => {
  if (chosen) ask("phones", "PUT", { number: chosen, fate: event.target.value });
});
element("answer").addEventListener("submit", async (event) => {
  event.preventDefault();
  const body = element("body").value;
  element("body").value = "";
  try {
    await ask("texts", "POST", { from: chosen, to: element("line").value, body });
  } catch (error) {
    element("notice").textContent = `${words().error}: ${error.message}`;
    element("notice").hidden = false;
    return;
  }
  look();
});

async function begin() {
  try {
    const { numbers, suggestions } = await ask("setup");
    names = Object.fromEntries(suggestions.filter((one) => MOBILE.test(one.number)).map((one) => [one.number, one.label]));
    if (!numbers.length) setTimeout(begin, 2000); // the centre is still starting
    element("line").replaceChildren(...numbers.map(({ number, label }) => new Option(`${number} ${label}`.trim(), number)));
  } catch {
    // the simulator is not there yet: it is asked again when the page is loaded anew
  }
  look();
}

speak(begin);
setInterval(look, 1500);
