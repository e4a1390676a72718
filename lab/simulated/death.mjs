// Loaded by node-preload.mjs where QUORATE_SIM_DEATH names a file: ends this process as kill -9 does at one record of the file that it
// appends to, a run's journal or an agent's ledger, and keeps account of what a power cut would leave of that file.
//   <name>.wish    {record, nth, moment}: which record, the nth of them since the wish was written, and when:
//                  `before` anything of it is written, `torn` in its middle, `written` and not synced, `synced`
//   <name>.died    written in that moment: the record
//   <name>.synced  {path, inode, size} of the file as of its last fsync
import { constants, fstatSync, readFileSync, writeFileSync, writeSync } from 'node:fs'
import fsPromises from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import process from 'node:process'

const { QUORATE_SIM_DEATH: name } = process.env

const text = (path) => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

const linesOf = (path) =>
  text(path)
    .split('\n')
    .flatMap((line) => {
      try {
        return [JSON.parse(line)]
      } catch {
        return []
      }
    })

/** What a record is, in words that are the same in every run: in a ledger which of its run's operations of that kind, in a journal its place. */
function wordsOf(line, path) {
  if (line.record !== undefined) {
    const { kind, step, action, node, label, outcome } = line.record.event
    return [kind, step, action?.id ?? action, node, label, outcome].filter((word) => word !== undefined).join(' ')
  }
  if (line.id === undefined) return line.kind
  const intents = [...linesOf(path), line].filter(({ kind }) => kind === 'intent')
  const own = intents.find(({ id }) => id === line.id)
  const same = [
    ...new Set(intents.filter(({ run, method }) => run === own.run && method === own.method).map(({ id }) => id)),
  ]
  return `${line.kind === 'intent' ? 'intent' : 'end'} ${own.method} ${same.indexOf(line.id) + 1}`
}

let wished = ''
let met = 0

/** Whether this line is the one to die at. */
function isLast(line, path) {
  const wish = text(`${name}.wish`)
  if (wish === '') return undefined
  if (wish !== wished) [wished, met] = [wish, 0]
  const { record, nth = 1, moment } = JSON.parse(wish)
  if (wordsOf(line, path) !== record) return undefined
  met++
  return met === nth ? moment : undefined
}

function die(record) {
  writeFileSync(`${name}.died`, record)
  process.kill(process.pid, 'SIGKILL')
  for (;;);
}

/** Writes up to the line at which to die, if one of these is; otherwise lets `write` do it. */
async function append(file, data, write) {
  const lines = String(data).split(/(?<=\n)/)
  for (const [index, line] of lines.entries()) {
    const moment = isLast(JSON.parse(line), file.path)
    if (moment === undefined) continue
    if (moment === 'synced') {
      file.dieOnceSynced = line
      break
    }
    writeSync(file.handle.fd, lines.slice(0, index).join(''))
    if (moment === 'torn') writeSync(file.handle.fd, line.slice(0, Math.floor(line.length / 2)))
    if (moment === 'written') writeSync(file.handle.fd, line)
    die(line)
  }
  return write(data)
}

function noteSynced({ path, handle }, size = fstatSync(handle.fd).size) {
  writeFileSync(`${name}.synced`, JSON.stringify({ path, inode: fstatSync(handle.fd).ino, size }))
}

async function sync(file, really) {
  const { size } = fstatSync(file.handle.fd)
  await really()
  noteSynced(file, size)
  if (file.dieOnceSynced !== undefined) die(file.dieOnceSynced)
}

/** A ledger that is written again has another name until it is complete. */
const recorded = /^(.*\/)(?:\.(ledger\.jsonl)\.quorate-[0-9a-f]+|(ledger\.jsonl|runs\/[^/]+\.jsonl))$/
const reads = (flags) => flags === 'r' || (typeof flags === 'number' && (flags & 3) === constants.O_RDONLY)

const open = fsPromises.open
fsPromises.open = async (path, flags, mode) => {
  const handle = await open(path, flags, mode)
  const found = recorded.exec(String(path))
  if (found === null || reads(flags)) return handle
  const file = { path: found[1] + (found[2] ?? found[3]), handle }
  const really = (method) => handle[method].bind(handle)
  const [writeFile, appendFile, datasync, fsync] = ['writeFile', 'appendFile', 'datasync', 'sync'].map(really)
  // Existing content was synced, or accepted as good, by the process that wrote it.
  if (found[2] === undefined) noteSynced(file)
  return Object.assign(handle, {
    writeFile: (data) => append(file, data, writeFile),
    appendFile: (data) => append(file, data, appendFile),
    datasync: () => sync(file, datasync),
    sync: () => sync(file, fsync),
  })
}
syncBuiltinESMExports()
