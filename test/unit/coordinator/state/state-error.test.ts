import { mkdirSync, writeFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stateError } from '@quorate/coordinator/state/state-error'
import { asQuorateError } from '@quorate/shared/errors'
import t from 'tap'

/** What the system throws when that is written. */
const thrownBy = (path: string): Promise<unknown> =>
  writeFile(path, 'x').then(
    () => undefined,
    (error: unknown) => error,
  )

t.test('a disk that is full, a path that is none and a folder in the way are told with what to type', async (t) => {
  const folder = t.testdir()
  mkdirSync(join(folder, 'is-a-folder'))
  writeFileSync(join(folder, 'is-a-file'), '')
  // Writing to it is refused as by a full disk; the system names no path then.
  t.match(stateError(await thrownBy('/dev/full'), '/var/lib/quorate'), {
    code: 'USAGE',
    message: /its disk is full \(ENOSPC\)/,
    where: '/var/lib/quorate',
    remedy: /df -h \/var\/lib\/quorate/,
  })
  const below = join(folder, 'is-a-file/runs')
  t.match(stateError(await thrownBy(below), folder), { message: /a part of its path is a file/, where: below })
  const wrapped = asQuorateError(await thrownBy(join(folder, 'is-a-folder')))
  t.match(stateError(wrapped, folder), { message: /it is a folder/, where: join(folder, 'is-a-folder') })
})

t.test('what is no matter of files is not taken for one', async (t) => {
  t.equal(stateError(new Error('x'), '/s'), undefined)
  t.equal(stateError(undefined, '/s'), undefined)
  const refused = Object.assign(new Error('connect EACCES'), { code: 'EACCES', syscall: 'connect' })
  t.equal(stateError(refused, '/s'), undefined)
})
