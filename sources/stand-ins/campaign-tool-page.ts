import type { HttpAnswer } from './http.js';

const STYLE = `
  :root { color-scheme: light dark; --line: #8884; --soft: #8881; --good: #1a7f4b; --bad: #c0392b; }
  @media (prefers-color-scheme: dark) { :root { --good: #5fd39a; --bad: #ff8a7a; } }
  * { box-sizing: border-box; }
  body { margin: 0 auto; max-width: 60rem; padding: 2rem 1.5rem; font: 16px/1.5 system-ui, sans-serif; }
  header { display: flex; flex-wrap: wrap; align-items: baseline; gap: .25rem 1rem; margin-bottom: 1.5rem; }
  h1 { margin: 0; font-size: 1.5rem; }
  header p { margin: 0; flex: 1 1 20rem; opacity: .7; }
  button { font: inherit; padding: .25rem .75rem; border: 1px solid var(--line); border-radius: 6px; background: var(--soft); color: inherit; cursor: pointer; }
  #condition { margin: 0 0 1rem; padding: .5rem 1rem; border: 1px solid var(--bad); border-radius: 8px; color: var(--bad); }
  #empty { padding: 3rem 1rem; text-align: center; border: 1px dashed var(--line); border-radius: 8px; opacity: .7; }
  details { margin-bottom: .75rem; border: 1px solid var(--line); border-radius: 8px; overflow: hidden; }
  summary { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; align-items: baseline; padding: .6rem 1rem; cursor: pointer; background: var(--soft); }
  summary > * { font-variant-numeric: tabular-nums; }
  .type { font-weight: 600; min-width: 8rem; }
  .after { opacity: .7; }
  .state { margin-left: auto; }
  .good { color: var(--good); } .bad { color: var(--bad); }
  pre { margin: 0; padding: 1rem; font: 14px/1.5 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
  code { display: block; padding: .5rem 1rem; border-top: 1px solid var(--line); font-size: 13px; opacity: .6; overflow-wrap: anywhere; }
`;

/** Deliveries are shown as text, never as HTML. An open or closed delivery stays so. */
const SCRIPT = `
  const list = document.getElementById('deliveries');
  const button = document.querySelector('button');
  const condition = document.getElementById('condition');
  const folded = new Map();
  let last = '';
  let wrong = null;

  const element = (name, className, text) => {
    const made = document.createElement(name);
    made.className = className;
    made.textContent = text;
    return made;
  };
  // An object without nested objects is on one line.
  const shown = (data) => JSON.stringify(data, null, 2).replace(/[{[]\\n[^{}[\\]]*[}\\]]/g, (leaf) => leaf.replace(/\\n\\s*/g, ' '));
  const duration = (ms) => ms < 1000 ? ms + ' ms' : (ms / 1000).toFixed(1) + ' s';

  function card(delivery, index) {
    const { id, receivedAt, verified, problem, type, delayMs, attempts, status, data } = delivery;
    const details = document.createElement('details');
    const key = id + receivedAt;
    details.open = folded.get(key) ?? index === 0;
    details.addEventListener('toggle', () => {
      if (details.open !== (folded.get(key) ?? index === 0)) folded.set(key, details.open);
    });
    const taken = status < 300;
    const at = new Date(receivedAt);
    const summary = document.createElement('summary');
    summary.append(
      element('time', 'at', at.toLocaleTimeString('en-GB') + '.' + String(at.getMilliseconds()).padStart(3, '0')),
      element('span', 'type', type ?? 'unknown'),
      element('span', verified ? 'good' : 'bad', verified ? '\\u2713 verified' : '\\u2717 not verified'),
    );
    if (delayMs !== undefined) summary.append(element('span', 'after', duration(delayMs) + ' after the event'));
    const times = attempts > 1 ? ', ' + attempts + ' attempts' : '';
    summary.append(element('span', 'state ' + (taken ? 'after' : 'bad'), (taken ? 'taken' : 'refused with ' + status) + times));
    details.append(summary, element('pre', '', problem ?? shown(data)), element('code', '', 'webhook-id ' + id));
    return details;
  }

  function show({ status, deliveries }) {
    wrong = status;
    button.textContent = wrong === null ? 'Reject deliveries' : 'Accept deliveries';
    condition.hidden = wrong === null;
    condition.textContent = 'Every delivery is answered with ' + wrong + ', and the gateway sends it again.';
    document.getElementById('empty').hidden = deliveries.length > 0;
    list.replaceChildren(...deliveries.map(card));
  }

  async function look() {
    try {
      const text = await (await fetch('/deliveries')).text();
      if (text !== last) show(JSON.parse(text));
      last = text;
    } catch {
      last = '';
      condition.hidden = false;
      condition.textContent = 'The campaign tool cannot be reached: has the demo stopped?';
    }
    setTimeout(look, 250);
  }

  button.addEventListener('click', () => {
    fetch('/', { method: 'PUT', body: JSON.stringify({ status: wrong === null ? 503 : null }) }).catch(() => undefined);
  });
  look();
`;

/** Loads the deliveries four times a second. Nothing is loaded from other servers. */
export const CAMPAIGN_TOOL_PAGE: HttpAnswer = {
  status: 200,
  headers: {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy':
      "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; connect-src 'self'",
    'cache-control': 'no-store',
  },
  body: `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Campaign tool</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
</head>
<body>
<header>
<h1>Campaign tool</h1>
<p>What the gateway delivers, as it comes; the last hundred.</p>
<button type="button">Reject deliveries</button>
</header>
<p id="condition" hidden></p>
<p id="empty">Nothing has come yet. The demo says how to let something happen.</p>
<main id="deliveries"></main>
<script>${SCRIPT}</script>
</body>
</html>
`,
};
