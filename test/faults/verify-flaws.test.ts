/** The flaws of test/faults/flaws, put into a converted cluster of real nodes one after the other. QUORATE_FLAWS=id,id for some of them. */
import t from 'tap'
import { capture } from '../../lab/real/machines/shell.js'
import { labForTest } from '../support/real-lab.js'
import { findFlaws } from './flaws/find-flaws.js'
import { realFlaws } from './flaws/real.js'

const version = process.env['QUORATE_REAL_VERSIONS']?.split(' ')[0] ?? 'v1.37.2'
const only = process.env['QUORATE_FLAWS']?.split(',')

t.test(`Kubernetes ${version}: verify finds every flaw, and only it`, async (t) => {
  const lab = await labForTest(t, version)
  const converted = await capture(...lab.quorate(['convert', '-f', lab.clusterFile, '--yes']))
  t.equal(converted.exitCode, 0, converted.stdout.slice(-2000) + converted.stderr)
  await findFlaws(t, await realFlaws(lab), only)
})
