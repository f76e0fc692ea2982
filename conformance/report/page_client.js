/**
 * The part of the HTML report that runs in the browser: filters rows, shows evidence, remembers both in the address.
 * The tables and the evidence are packed, as they are much larger otherwise.
 */
/* global document, location, history, DecompressionStream, Response */
const state = new URLSearchParams(location.hash.slice(1))
const $ = (selector) => document.querySelector(selector)
const all = (selector) => [...document.querySelectorAll(selector)]

/** Text that is packed in the page. */
async function unpack(id) {
  const bytes = Uint8Array.from(atob($(id).textContent.trim()), (sign) => sign.charCodeAt(0))
  const stream = new Response(bytes).body.pipeThrough(new DecompressionStream('gzip'))
  return new Response(stream).text()
}

// Markup of our own, in which all text of others is escaped.
$('main').insertAdjacentHTML('afterbegin', await unpack('#tables'))

/** The evidence, unpacked when it is first asked for: evidence[case][runtime]. */
let evidence
async function loadEvidence() {
  evidence ??= JSON.parse(await unpack('#evidence'))
  return evidence
}

function element(name, classes, ...children) {
  const made = document.createElement(name)
  if (classes) made.className = classes
  made.append(...children)
  return made
}

function block(title, text, kind) {
  return element('section', `piece ${kind}`, element('h4', '', title), element('pre', '', text || '(nothing)'))
}

function pieceOf(it) {
  if (it.kind === 'command') {
    const output = [it.stdout, it.stderr].filter(Boolean).join('')
    const piece = block(`$ ${it.args.join(' ')}`, output, it.end === 'exit 0' ? 'command' : 'command bad')
    piece.firstChild.append(element('span', 'end', `${it.end}, ${it.ms} ms`))
    if (!output) piece.lastChild.remove()
    return piece
  }
  if (it.kind === 'config') {
    const details = element('details', 'piece config', element('summary', '', 'config.json'))
    let text = it.text
    try {
      text = JSON.stringify(JSON.parse(text), null, 2)
    } catch {
      // Some cases are about what is no JSON.
    }
    details.append(element('pre', '', text))
    return details
  }
  if (it.kind === 'program') return block('the program saw', it.text, 'program')
  if (it.kind === 'kernel') return block(`the kernel shows: ${it.place}`, it.text, 'kernel')
  return element('p', 'piece note', it.text)
}

/** Shows one cell: verdict, reason, clause, evidence. */
async function openCell(name) {
  const cell = document.getElementById(name)
  const panel = $('#panel')
  all('.cell.open').forEach((it) => {
    it.classList.remove('open')
  })
  if (!cell) {
    panel.hidden = true
    document.body.classList.remove('panelled')
    return
  }
  cell.classList.add('open')
  const row = cell.closest('tr')
  const [runtime, id] = name.split('/')
  const result = (await loadEvidence())[id][runtime]
  const badge = element('span', cell.className.replace('cell', 'badge').replace(' open', ''), cell.textContent)
  const head = element('header', '', element('h3', '', id), badge)
  const asks = element('p', 'asks', row.querySelector('.asks').textContent)
  const where = row.querySelector('.clause').cloneNode(true)
  const facts = element('p', 'facts', `${$(`#runtime-${runtime}`).textContent} · ${result.ms} ms · `, where)
  const body = element('div', 'pieces', ...result.evidence.map(pieceOf))
  const texts = [
    result.reason && element('p', 'reason', result.reason),
    result.remark && element('p', 'remark', result.remark),
  ]
  $('#panel-body').replaceChildren(head, facts, asks, ...texts.filter(Boolean), body)
  panel.hidden = false
  panel.scrollTop = 0
  document.body.classList.add('panelled')
}

/** Names of cases and requirements lead to them. */
for (const tags of all('.tags')) {
  const to = tags.closest('section').id === 'cases' ? 'requirements' : 'cases'
  const names = tags.textContent.split(' ').filter(Boolean)
  tags.replaceChildren(
    ...names.map((name) => {
      const link = element('a', '', name)
      link.href = `#view=${to}&q=${name}`
      Object.assign(link.dataset, { go: name, to })
      return link
    }),
  )
}

/** What the text filter looks at: the row and the head of its group. */
const textOf = new Map(
  all('tr.row').map((row) => {
    const head = row.closest('tbody').querySelector('.group').textContent
    const words = [...row.querySelectorAll('.id, .level, .asks, .clause, .tags a, .why, td:nth-child(2)')]
    return [row, [head, ...words.map((it) => it.textContent)].join(' ').toLowerCase()]
  }),
)

function applyFilters() {
  const text = (state.get('q') ?? '').toLowerCase()
  const verdict = state.get('verdict') ?? ''
  const view = state.get('view') ?? 'cases'
  for (const section of all('main > section')) section.hidden = section.id !== view
  for (const tab of all('nav button')) tab.setAttribute('aria-pressed', String(tab.dataset.view === view))
  let shown = 0
  for (const body of all(`#${view} tbody`)) {
    let some = false
    for (const row of body.querySelectorAll('tr.row')) {
      const fits = textOf.get(row).includes(text) && (!verdict || row.dataset.verdicts.split(' ').includes(verdict))
      row.hidden = !fits
      some ||= fits
      if (fits) shown++
    }
    body.hidden = !some
  }
  $('#shown').textContent = `${shown} shown`
  $('#none').hidden = shown > 0
  const theme = state.get('theme')
  if (theme) document.documentElement.dataset.theme = theme
}

function change(name, value) {
  if (value) state.set(name, value)
  else state.delete(name)
  history.replaceState(null, '', `#${state}`)
  applyFilters()
}

function isDark() {
  const chosen = document.documentElement.dataset.theme
  return chosen ? chosen === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches
}

$('#q').value = state.get('q') ?? ''
$('#verdict').value = state.get('verdict') ?? ''
$('#q').addEventListener('input', (event) => change('q', event.target.value))
$('#verdict').addEventListener('change', (event) => change('verdict', event.target.value))
$('#theme').addEventListener('click', () => change('theme', isDark() ? 'light' : 'dark'))
for (const tab of all('nav button')) tab.addEventListener('click', () => change('view', tab.dataset.view))

function show(name) {
  change('cell', name)
  openCell(name)
}
document.addEventListener('click', (event) => {
  const cell = event.target.closest('.cell')
  const go = event.target.closest('[data-go]')
  if (cell) show(cell.id)
  else if (go) {
    event.preventDefault()
    state.delete('verdict')
    $('#verdict').value = ''
    $('#q').value = go.dataset.go
    state.set('q', go.dataset.go)
    change('view', go.dataset.to)
  } else if (event.target.closest('#close')) show('')
})
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape') show('')
  if (event.key === '/' && document.activeElement !== $('#q')) {
    event.preventDefault()
    $('#q').focus()
  }
})
applyFilters()
document.documentElement.dataset.ready = 'filters'
openCell(state.get('cell') ?? '').then(() => {
  document.documentElement.dataset.ready = 'all'
})
