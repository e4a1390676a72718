import { status } from '@grpc/grpc-js'
import { asQuorateError, catalogue, type ErrorCode, exitCode, QuorateError } from '@quorate/shared/errors'
import t from 'tap'

const codes = Object.keys(catalogue) as ErrorCode[]

t.test('the catalogue is sane', async (t) => {
  for (const code of codes) {
    const { remedy, exit, status: name } = catalogue[code]
    t.match(code, /^[A-Z]+(_[A-Z]+)*$/)
    t.ok(remedy.trim().length >= 10 && /[.)]$/.test(remedy), `${code}: a remedy is a sentence`)
    t.ok(exitCode[exit] > 0, `${code}: an error does not end as done`)
    t.equal(typeof status[name], 'number', `${code}: a status that gRPC has`)
    t.not(name, 'OK')
  }
})

t.test('exit codes are those of the contract, each once', async (t) => {
  t.strictSame(Object.values(exitCode), [0, 1, 2, 3, 4, 5, 6, 7, 130])
  t.equal(new QuorateError('INTERNAL', 'x').exitCode, 1)
  t.equal(new QuorateError('CLUSTER_FILE_INVALID', 'x').exitCode, 2)
  t.equal(new QuorateError('BLOCKED_BY_FINDINGS', 'x').exitCode, 3)
  t.equal(new QuorateError('STEP_FAILED', 'x').exitCode, 4)
  t.equal(new QuorateError('QUORUM_AT_RISK', 'x').exitCode, 5)
  t.equal(new QuorateError('CLUSTER_HELD', 'x').exitCode, 6)
  t.equal(new QuorateError('NOT_HIGHLY_AVAILABLE', 'x').exitCode, 7)
  t.equal(new QuorateError('INTERRUPTED', 'x').exitCode, 130)
})

t.test('what, where, why and what to do next', async (t) => {
  const cause = new Error('why')
  const error = new QuorateError('DRIFT', 'what', { where: 'k8smaster1', remedy: 'do this', cause })
  t.match(error, { code: 'DRIFT', message: 'what', where: 'k8smaster1', remedy: 'do this', cause })
  t.equal(new QuorateError('DRIFT', 'what').remedy, catalogue.DRIFT.remedy)
  t.equal(asQuorateError(error), error, 'ours stays as it is')
  t.match(asQuorateError(cause, 'here'), { code: 'INTERNAL', message: 'why', where: 'here', cause })
  t.match(asQuorateError('text'), { code: 'INTERNAL', message: 'text' })
})
