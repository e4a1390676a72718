// Loaded into `quorate-agent install` by NODE_OPTIONS: ends it as kill -9 does before the nth change of a name on its node. A change is what
// files are put into place with: a rename, a link, a folder, a removal.
import fsPromises from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import process from 'node:process'

const last = Number(process.env.QUORATE_TEST_DIES_BEFORE)
let met = 0

for (const name of ['rename', 'rm', 'unlink', 'link', 'mkdir']) {
  const real = fsPromises[name]
  fsPromises[name] = (...args) => {
    if (++met >= last) {
      process.kill(process.pid, 'SIGKILL')
      for (;;);
    }
    return real(...args)
  }
}
syncBuiltinESMExports()
