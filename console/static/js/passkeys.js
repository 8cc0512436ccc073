// Passkeys: shows their forms where the browser has what they take, asks the device, and sends its answer.
(() => {
  const WORDS = {
    NotAllowedError: "The device gave no passkey: it was cancelled, took too long, or has none for this console.",
    InvalidStateError: "This device has a passkey for your account already.",
    SecurityError: "Passkeys do not work at this address. Open the console at its usual one.",
    ConstraintError: "This device cannot ask for a finger, a face or a PIN, which this takes.",
  };
  const PublicKey = window.PublicKeyCredential;
  const able = PublicKey?.parseCreationOptionsFromJSON && PublicKey.parseRequestOptionsFromJSON && PublicKey.prototype.toJSON;

  // The page brings what a new passkey takes; a sign-in asks for a challenge when it begins.
  const given = async (form) => {
    if (!form.dataset.challenge) return JSON.parse(form.querySelector('script[type="application/json"]').textContent);
    const answer = await fetch(form.dataset.challenge, { method: "POST", body: new FormData(form), credentials: "same-origin" });
    if (!answer.ok) throw new Error(`The console answered with ${answer.status}. Load the page again.`);
    return answer.json();
  };

  const credential = async (form) => {
    const options = await given(form);
    return form.dataset.passkey === "create"
      ? navigator.credentials.create({ publicKey: PublicKey.parseCreationOptionsFromJSON(options) })
      : navigator.credentials.get({ publicKey: PublicKey.parseRequestOptionsFromJSON(options) });
  };

  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.matches("[data-passkey]")) return;
    event.preventDefault();
    const problem = form.querySelector("[data-passkey-problem]");
    const button = form.querySelector("button");
    problem.hidden = true;
    button.disabled = true;
    try {
      form.elements.credential.value = JSON.stringify(await credential(form));
      form.submit();
    } catch (error) {
      problem.textContent = WORDS[error.name] ?? error.message;
      problem.hidden = false;
    } finally {
      button.disabled = false;
    }
  });

  document.addEventListener("DOMContentLoaded", () => {
    if (!able || !window.isSecureContext) return;
    for (const form of document.querySelectorAll("[data-passkey]")) form.hidden = false;
    for (const words of document.querySelectorAll("[data-passkey-absent]")) words.remove();
  });
})();
