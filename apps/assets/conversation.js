// What was understood, and messages that are offered: buttons delete, correct and undo; a correction is written in place.
// What users wrote is only ever an attribute's value or `textContent`, never markup.
let acted = false;

const send = value => {
  acted = true;
  trigger('select', {index: 0, value});
};

const make = (tag, words, parent, attributes = {}) => {
  const made = document.createElement(tag);
  made.textContent = words;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  parent?.append(made);
  return made;
};

const LABELS = {fact: 'It should be', event: 'What happened', preference: 'About'};

// The form of a correction: what stands now, to be written over; of a preference its side, too.
const correct = thing => {
  const {kind, sign, value, id} = thing.dataset;
  if (thing.querySelector('form')) return;
  const form = make('form', '', thing);
  let side = null;
  if (kind === 'preference') {
    side = make('select', '', make('label', '', form), {'aria-label': 'Side'});
    make('option', 'I like it', side, {value: 'like'});
    make('option', "I don't like it", side, {value: 'dislike'});
    side.value = sign === '1' ? 'like' : 'dislike';
  }
  const label = make('label', '', form);
  make('span', LABELS[kind], label);
  const box = make('input', '', label, {type: 'text', maxlength: 200, required: '', translate: 'no'});
  box.value = value;
  make('button', 'Save', form, {type: 'submit'});
  make('button', 'Cancel', form, {type: 'button', 'data-do': 'cancel'});
  form.addEventListener('submit', event => {
    event.preventDefault();
    const said = box.value.trim(), was = side?.value;
    const values = [];
    if (side && (was === 'like') !== (sign === '1')) values.push(was);
    if (said && said !== value) values.push(said);
    if (values.length) send(['correct', id, ...values]);
    else close(thing);
  });
  (side ?? box).focus();
  box.select();
};

const close = thing => {
  thing.querySelector('form')?.remove();
  thing.querySelector('[data-do=correct]')?.focus();
};

element.addEventListener('click', event => {
  const offer = event.target.closest('[data-offer]');
  if (offer && !offer.disabled) trigger('select', {index: 0, value: offer.dataset.offer});
  const pressed = event.target.closest('[data-do]'), thing = pressed?.closest('.thing');
  if (!pressed) return;
  if (pressed.dataset.do === 'undo') send(['undo']);
  else if (pressed.dataset.do === 'delete') send(['delete', thing.dataset.id]);
  else if (pressed.dataset.do === 'correct') correct(thing);
  else close(thing);
});

element.addEventListener('keydown', event => {
  const thing = event.target.closest('form')?.closest('.thing');
  if (event.key === 'Escape' && thing) close(thing);
});

// After a press its button is gone: the focus goes on at what is told of it. What is new is brought into sight.
watch('value', () => {
  if (acted) element.querySelector('.done')?.focus();
  else {
    const list = element.querySelector('.understood'), fresh = element.querySelector('.thing.new');
    if (list && fresh) list.scrollTop += fresh.getBoundingClientRect().top - list.getBoundingClientRect().top - 40;
  }
  acted = false;
});

// The chat's component names a message by its source, tags and all: who said it is enough, for the words follow. Only its own name is
// replaced: a translation of ours would otherwise be turned back for ever.
const chat = document.getElementById('talk-chat');
const named = () => {
  for (const [who, name] of [['user', 'You'], ['bot', 'Quipu']])
    for (const each of chat.querySelectorAll(`[data-testid=${who}]`)) if (each.ariaLabel?.includes("'s message")) each.ariaLabel = name;
};
if (chat && element.querySelector('.understood')) new MutationObserver(named).observe(chat, {childList: true, subtree: true, attributeFilter: ['aria-label']});
