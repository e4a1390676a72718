// Loaded into a command by NODE_OPTIONS: ends it as kill -9 does before the nth change of a file of the fleet, where QUORATE_TEST_DIES_BEFORE
// says so. A change is what its files are made of: a rename into place, a removal.
import fsPromises from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import process from 'node:process'

const last = Number(process.env.QUORATE_TEST_DIES_BEFORE)
let met = 0

const isOfFleet = (path) => /\/fleet\/[^/]+$/.test(String(path))

function before(path) {
  if (!isOfFleet(path) || ++met < last) return
  process.kill(process.pid, 'SIGKILL')
  for (;;);
}

const { rename, rm } = fsPromises
fsPromises.rename = (from, to) => {
  before(to)
  return rename(from, to)
}
fsPromises.rm = (path, options) => {
  before(path)
  return rm(path, options)
}
syncBuiltinESMExports()
