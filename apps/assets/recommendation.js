// The list and the map of recommendations: buttons that steer, points that tell their names, marks that lead to their cards.
const NEAR = 14; // pixels
let steered = false;

element.addEventListener('click', event => {
  const pressed = event.target.closest('[data-steer]'), mark = event.target.closest('[data-jump]');
  if (pressed) {
    steered = true;
    trigger('select', {index: 0, value: [pressed.dataset.steer, pressed.dataset.id]});
  }
  const card = mark && element.querySelector(`.picks > li[data-n="${mark.dataset.jump}"]`);
  card?.scrollIntoView({block: 'nearest', behavior: 'smooth'});
  card?.focus({preventScroll: true});
});

const land = event => event.target.closest?.('.land');

function tell(box, point) {
  const tip = box.querySelector('.tip');
  tip.hidden = !point;
  if (!point) return;
  tip.textContent = point.dataset.t;
  const frame = box.getBoundingClientRect(), spot = point.getBoundingClientRect();
  const x = spot.x + spot.width / 2 - frame.x, y = spot.y - frame.y;
  tip.style.left = `${Math.max(4, Math.min(x - tip.offsetWidth / 2, frame.width - tip.offsetWidth - 4))}px`;
  tip.style.top = y > tip.offsetHeight + 8 ? `${y - tip.offsetHeight - 4}px` : `${y + spot.height + 4}px`;
}

function nearest(box, event) {
  const frame = box.getBoundingClientRect(), x = event.clientX - frame.x, y = event.clientY - frame.y;
  let best = null, far = NEAR;
  for (const dot of box.querySelectorAll('circle')) {
    const away = Math.hypot(x - parseFloat(dot.getAttribute('cx')) * frame.width / 100, y - parseFloat(dot.getAttribute('cy')) * frame.height / 100);
    if (away < far) [best, far] = [dot, away];
  }
  return best;
}

for (const kind of ['pointermove', 'pointerdown'])
  element.addEventListener(kind, event => {
    const box = land(event);
    if (box) tell(box, event.target.closest('[data-t]') ?? nearest(box, event));
  });
element.addEventListener('pointerout', event => {
  const box = land(event);
  if (box && !box.contains(event.relatedTarget)) tell(box, null);
});
element.addEventListener('focusin', event => {
  if (land(event) && event.target.dataset.t) tell(land(event), event.target);
});
element.addEventListener('focusout', event => {
  if (land(event)) tell(land(event), null);
});

// A press gives its button to another item: the focus goes on at what is told of the new list. Where the list stands below the controls,
// as on a phone, it is shown, yet not to those who are still adding what they found.
watch('value', () => {
  const told = element.querySelector('.told, .note'), searching = document.activeElement?.closest('.found');
  if (steered) told?.focus();
  steered = false;
  if (told && !searching && told.getBoundingClientRect().bottom > innerHeight) told.scrollIntoView({block: 'start', behavior: 'smooth'});
});
