// The pages' own words in the visitor's language. English is the source; a catalogue maps a text, or a pattern, to its translation:
// {0} is a figure, [0] words that are translated in turn (or a figure), <0> anything, kept as it is. What stands in an element with
// translate="no" is the visitor's, and so are the parts of Gradio's components that SKIP names; translate="yes" is ours again.
(() => {
  const CATALOGUES = JSON.parse(document.getElementById('catalogues').textContent);
  const NAMES = {en: 'English', es: 'Español', fr: 'Français'};
  const STORE = 'quipu-language', MOST = 4000; // answers that are remembered
  const ATTRIBUTES = ['placeholder', 'aria-label', 'title', 'data-label'];
  const SKIP = '[translate=no], script, style, code, pre, .textfield .text, .highlights:not(.kinds) .label, [role=grid] td, ' +
    '[role=gridcell], .model-card, [role=listbox], [role=option], .token, .gallery-item, .file-preview, .json-node, .api-docs';
  const FIGURE = /^[\d.,–−+<>≥≤]+(?:[ \u00a0]?%)?$/, MARK = /([{[<])(\d)[}\]>]/;
  const KINDS = {'{': '([\\d.,–−+<>≥≤]+(?:[ \\u00a0]?%)?)', '[': '(.+?)', '<': '(.+?)'};
  // Gradio says its own few words in the browser's language, once and for all, before this runs: what they are in English.
  const GRADIO = {
    'Coloque el archivo aquí': 'Drop File Here', 'Haga clic para cargar': 'Click to Upload', '- o -': '- or -', 'Cargando': 'Loading',
    'Limpiar': 'Clear', 'Eliminar': 'Remove', 'Usar vía API': 'Use via API', 'Configuración': 'Settings', 'Subiendo...': 'Uploading...',
    'Déposez le fichier ici': 'Drop File Here', 'Cliquez pour télécharger un fichier': 'Click to Upload', '- ou -': '- or -', 'Chargement': 'Loading',
    'Effacer': 'Clear', 'Supprimer': 'Remove', 'Utiliser via API': 'Use via API', 'Paramètres': 'Settings', 'Téléchargement...': 'Uploading...',
  };
  const seen = new WeakMap(); // text node or element -> what was shown there and what it stands for, by name
  let language = 'en', exact = new Map(), patterns = [], known = new Map(), idle = true;

  const literal = words => words.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

  // "{0} of [1]" as an expression; `chunk`, its longest fixed part, tells most texts apart without running it.
  const pattern = (source, target) => {
    const parts = source.split(MARK), kinds = [];
    let made = literal(parts[0]);
    for (let i = 1; i < parts.length; i += 3) {
      kinds.push([parts[i], parts[i + 1]]);
      made += KINDS[parts[i]] + literal(parts[i + 2]);
    }
    const chunk = parts.filter((_, i) => i % 3 === 0).sort((one, other) => other.length - one.length)[0];
    return {chunk, kinds, target, expression: new RegExp(`^${made}$`, 's')};
  };

  const load = () => {
    const catalogue = Object.entries(CATALOGUES[language] ?? {});
    exact = new Map(catalogue);
    patterns = catalogue.filter(([source]) => MARK.test(source)).map(pair => pattern(...pair)).sort((a, b) => b.chunk.length - a.chunk.length);
    known = new Map();
  };

  const figure = words => words.replace(/(\d),(?=\d{3})/g, '$1\u202f');

  const filled = ({chunk, kinds, target, expression}, words) => {
    const found = words.includes(chunk) && expression.exec(words);
    if (!found) return undefined;
    const values = {};
    for (const [i, [kind, number]] of kinds.entries()) {
      const part = found[i + 1];
      const said = kind === '<' ? part : kind === '{' || FIGURE.test(part) ? figure(part) : looked(part);
      if (said === undefined) return undefined;
      values[number] = said;
    }
    return target.replace(/[{[<](\d)[}\]>]/g, (_, number) => values[number]);
  };

  const looked = words => {
    if (exact.has(words)) return exact.get(words);
    for (const each of patterns) {
      const said = filled(each, words);
      if (said !== undefined) return said;
    }
  };

  // A text as a whole or, where our code put sentences together, sentence by sentence; undefined where nothing is known.
  const translated = words => {
    const whole = looked(words) ?? looked(words.replace(/\s+/g, ' '));
    if (whole !== undefined || words.length > 2000) return whole;
    const pieces = words.match(/.+?(?:[.!?](?= )|$)/gs) ?? [];
    const said = pieces.map(piece => looked(piece.trim()));
    if (pieces.length < 2 || said.every(each => each === undefined)) return undefined;
    return pieces.map((piece, i) => said[i] ?? piece.trim()).join(' ');
  };

  const shown = source => {
    const core = source.trim();
    if (!/\p{L}|\d,\d/u.test(core)) return source;
    if (!known.has(core)) {
      if (known.size > MOST) known.clear();
      const english = GRADIO[core] ?? core;
      known.set(core, language === 'en' ? english : FIGURE.test(core) ? figure(core) : translated(english));
    }
    const said = known.get(core);
    return said === undefined ? source : source.replace(core, () => said);
  };

  // What is there, or what it stands for where it is a translation of ours: so any language leads to any other, and back.
  const turn = (holder, name, now, set) => {
    const memory = seen.get(holder), had = memory?.[name];
    const source = had && had.said === now ? had.source : now;
    const said = shown(source);
    if (said !== now) set(said);
    if (said !== source) seen.set(holder, {...memory, [name]: {source, said}});
    else if (had) delete memory[name];
  };

  const text = node => node.parentNode?.nodeName !== 'TEXTAREA' && turn(node, 'data', node.data, said => { node.data = said; });
  const attribute = (element, name) => {
    const now = element.getAttribute(name);
    if (now) turn(element, name, now, said => element.setAttribute(name, said));
  };
  const element = node => {
    if (node.nodeType !== Node.ELEMENT_NODE) return;
    for (const name of ATTRIBUTES) if (node.hasAttribute(name)) attribute(node, name);
  };

  const { FILTER_ACCEPT, FILTER_REJECT, SHOW_ELEMENT, SHOW_TEXT } = NodeFilter;
  const walk = root => {
    if (root.nodeType === Node.TEXT_NODE) return text(root);
    const ours = root.nodeType === Node.ELEMENT_NODE && root.getAttribute('translate') === 'yes';
    if (!ours && root.matches?.(SKIP)) return inside(root);
    element(root);
    const walker = document.createTreeWalker(root, SHOW_ELEMENT | SHOW_TEXT, node => {
      if (node.nodeType === Node.TEXT_NODE || !node.matches(SKIP)) return FILTER_ACCEPT;
      inside(node);
      return FILTER_REJECT;
    });
    while (walker.nextNode()) walker.currentNode.nodeType === Node.TEXT_NODE ? text(walker.currentNode) : element(walker.currentNode);
  };
  const inside = skipped => skipped.querySelectorAll('[translate=yes]').forEach(walk);

  const foreign = node => {
    const nearest = node?.closest(`${SKIP}, [translate=yes]`);
    return Boolean(nearest) && nearest.getAttribute('translate') !== 'yes';
  };

  new MutationObserver(changes => {
    if (idle) return;
    for (const {type, target, addedNodes, attributeName} of changes) {
      if (foreign(target.nodeType === Node.ELEMENT_NODE ? target : target.parentElement)) {
        if (type === 'childList') for (const node of addedNodes) if (node.nodeType === Node.ELEMENT_NODE) inside(node);
      } else if (type === 'childList') addedNodes.forEach(node => [1, 3].includes(node.nodeType) && walk(node));
      else if (type === 'characterData') target.nodeType === Node.TEXT_NODE && text(target);
      else attribute(target, attributeName);
    }
  }).observe(document, {subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: ATTRIBUTES});

  const mark = () => document.querySelectorAll('language-switch button').forEach(button => {
    button.ariaPressed = String(button.lang === language);
  });

  const use = chosen => {
    language = chosen;
    idle &&= chosen === 'en' && navigator.language.startsWith('en');
    document.documentElement.lang = chosen;
    load();
    mark();
    if (idle || !document.body) return;
    walk(document.body);
    dispatchEvent(new Event('resize')); // the tabs see anew which of them find room
  };

  // ---------------------------------------------------------------------------------------------- the choice

  const remembered = () => { try { return localStorage.getItem(STORE); } catch { return null; } };
  const remember = chosen => { try { localStorage.setItem(STORE, chosen); } catch { /* a browser that keeps nothing */ } };
  const first = () => [remembered(), ...(navigator.languages ?? [])].map(name => name?.slice(0, 2).toLowerCase()).find(name => name in NAMES) ?? 'en';

  customElements.define('language-switch', class extends HTMLElement {
    connectedCallback() {
      if (this.childElementCount) return;
      this.setAttribute('role', 'group');
      this.setAttribute('aria-label', 'Language');
      for (const [code, name] of Object.entries(NAMES)) {
        const button = document.createElement('button');
        button.append(...['abbr', 'span'].map(tag => document.createElement(tag)));
        button.firstChild.textContent = code.toUpperCase();
        button.lastChild.textContent = name;
        Object.assign(button, {type: 'button', lang: code, ariaLabel: name, translate: false});
        button.addEventListener('click', () => { remember(code); use(code); });
        this.append(button);
      }
      mark();
    }
  });

  use(first());
  new MutationObserver(() => {
    if (document.documentElement.lang !== language) document.documentElement.lang = language;
  }).observe(document.documentElement, {attributeFilter: ['lang']});
})();
