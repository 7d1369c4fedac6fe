// What the other scripts share: words at the bottom of the window, and texts for the clipboard.
window.convadmin = (function () {
  "use strict";

  const toast = document.getElementById("toast");
  let hideToast = 0;

  function say(text, asksToSignIn = false) {
    toast.querySelector("span").textContent = text;
    toast.querySelector("a").hidden = !asksToSignIn;
    toast.hidden = false;
    clearTimeout(hideToast);
    hideToast = setTimeout(function () { toast.hidden = true; }, asksToSignIn ? 60000 : 8000);
  }

  // Whether the browser allows it; either way it is said.
  async function copy(text, words = "Copied.") {
    try {
      await navigator.clipboard.writeText(text);
      say(words);
      return true;
    } catch {
      say("The browser doesn’t allow copying here.");
      return false;
    }
  }

  return {say, copy};
})();
