// What a browser can add to pages that work without it: copying, counting, a shortcut, and words for lost requests.
(function () {
  "use strict";

  const say = convadmin.say;

  async function copy(...elements) {
    if (!elements.length) {
      say("Open the item to copy all of it.");
      return;
    }
    if (!await convadmin.copy(elements.map(function (element) { return element.textContent; }).join("\n\n"))) {
      getSelection().selectAllChildren(elements[0].closest("[data-item] .turn-body") || elements[0]);
      say("Selected. Press Ctrl+C to copy it.");
    }
  }

  // All that an item says, also what is folded; none where a part of it stands on the item's own page only.
  function textsOf(button) {
    const item = button.closest("[data-item]");
    return item.querySelector("[data-elsewhere]") ? [] : item.querySelectorAll("[data-text]");
  }

  // Characters as OpenAI counts them: code points, not UTF-16 units.
  function count(field) {
    const limit = Number(field.dataset.limit);
    const length = Array.from(field.value).length;
    const row = field.parentElement;
    let counter = row.querySelector(".counter-" + field.name);
    if (!counter) {
      counter = row.appendChild(document.createElement("span"));
      counter.className = "counter counter-" + field.name;
    }
    const near = length > limit * 0.75;
    counter.hidden = !near;
    counter.textContent = field.name + ": " + length + " of " + limit + " characters";
    counter.classList.toggle("counter-over", length > limit);
  }

  document.addEventListener("click", function (event) {
    const button = event.target.closest("[data-copy], [data-copy-item]");
    if (button) {
      copy(...(button.dataset.copy ? document.querySelectorAll(button.dataset.copy) : textsOf(button)));
    }
  });

  // Scrolling moves the URL to the items that were loaded last; who comes back from an item finds it again.
  document.addEventListener("click", function (event) {
    const turn = event.target.closest("[data-item] a[href]")?.closest("[data-url] article");
    if (turn) {
      const before = turn.previousElementSibling?.querySelector("[data-item]");
      const url = new URL(turn.closest("[data-url]").dataset.url, location);
      if (before?.id) {
        url.searchParams.delete("item_before");
        url.searchParams.set("item_after", before.id.slice("item-".length));
      }
      history.replaceState(history.state, "", url);
    }
  });

  // A server whose pages go round would be followed for ever: an item that stands here already is left out, and a page
  // that brings no other is the last.
  document.addEventListener("htmx:beforeSwap", function (event) {
    if (event.detail.target.id !== "more-items") {
      return;
    }
    const page = new DOMParser().parseFromString(event.detail.serverResponse, "text/html");
    const items = Array.from(page.querySelectorAll("[data-item][id]"));
    const known = items.filter(function (item) { return document.getElementById(item.id); });
    known.forEach(function (item) {
      const turn = item.closest("article");
      item.remove();
      if (!turn.querySelector("[data-item]")) {
        turn.remove();
      }
    });
    const more = page.getElementById("more-items");
    if (known.length && known.length === items.length && more) {
      more.removeAttribute("id");
      more.className = "notice notice-warning";
      more.textContent = "The server returns the same items again and again. It may have others that it doesn’t return.";
    }
    if (known.length) {
      event.detail.serverResponse = page.body.innerHTML;
    }
  });

  function countAll() {
    document.querySelectorAll("[data-limit]").forEach(count);
  }

  document.addEventListener("input", function (event) {
    if (event.target.dataset.limit) {
      count(event.target);
    }
  });

  document.addEventListener("htmx:afterSettle", countAll);
  countAll();

  document.addEventListener("keydown", function (event) {
    const isTyping = event.target.closest("input:not([type=checkbox]), textarea, select");
    const field = document.querySelector('[data-shortcut="' + CSS.escape(event.key) + '"]');
    if (field && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      field.focus();
      field.select();
    }
  });

  // A plain form that is sent twice in a hurry is carried out once by its token; this spares the second page.
  document.addEventListener("submit", function (event) {
    if (event.target.method === "post" && !event.target.hasAttribute("hx-post")) {
      if (event.target.dataset.sent) {
        event.preventDefault();
      }
      event.target.dataset.sent = "yes";
      setTimeout(function () { delete event.target.dataset.sent; }, 25000);
    }
  });

  // A form that starts a download stays on its page, which then looks how the download goes. (As a trigger of htmx
  // "submit" would keep the browser from sending the form.)
  document.addEventListener("submit", function (event) {
    const watcher = event.target.dataset.watchedBy;
    if (watcher) {
      setTimeout(function () { document.querySelector(watcher).dispatchEvent(new Event("look")); }, 700);
    }
  });

  document.addEventListener("click", function (event) {
    if (event.target.closest("[data-print]")) {
      print();
    }
  });

  addEventListener("pageshow", function () {
    document.querySelectorAll("[data-sent]").forEach(function (form) { delete form.dataset.sent; });
  });

  // A form that comes back with a row more or less keeps the focus there, for the keyboard and for screen readers.
  document.addEventListener("htmx:afterSettle", function (event) {
    const submitter = event.detail.requestConfig?.triggeringEvent?.submitter;
    if (!submitter || submitter.isConnected || document.activeElement !== document.body) {
      return;
    }
    const [verb, noun, number] = submitter.value.split("-");
    const fields = document.querySelectorAll(noun === "pair" ? "[name=key]" : "[name=text]");
    const shift = {up: -1, down: 1}[verb] || 0;
    const last = fields.length - 1;
    (verb === "add" ? fields[last] : fields[Math.min(Number(number) + shift, last)])?.focus();
  });

  document.addEventListener("htmx:sendError", function () {
    say("Convadmin didn’t respond. Check the network. What you typed is still here.");
  });

  document.addEventListener("htmx:responseError", function (event) {
    const status = event.detail.xhr.status;
    if (status === 401) {
      say("You’re signed out. Sign in in another tab, then send this again. What you typed is still here.", true);
    } else {
      say("Convadmin responded with an error (HTTP " + status + "). What you typed is still here.");
    }
  });

  // Signing in in another tab changes the token against forgery; the form takes the new one from its cookie.
  document.addEventListener("htmx:configRequest", function (event) {
    const token = document.cookie.match(/(?:^|; )csrftoken=([^;]+)/);
    if (token && event.detail.verb === "post") {
      event.detail.parameters.csrfmiddlewaretoken = token[1];
    }
  });
})();
