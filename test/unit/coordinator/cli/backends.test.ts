import { backendsText } from '@quorate/coordinator/cli/render/backends'
import { makeStyle } from '@quorate/coordinator/cli/render/style'
import t from 'tap'

t.test('who was met, who never, who should not be there, and what went wrong', async (t) => {
  const text = backendsText(
    {
      endpoint: 'apiserver.example.com:8443',
      connections: 27,
      backends: [
        { node: 'k8smaster1', certificateSha256: 'ab'.repeat(32), problem: '', met: 20 },
        { node: 'k8smaster2', certificateSha256: 'cd'.repeat(32), problem: '', met: 0 },
        { node: 'k8smaster3', certificateSha256: '', problem: 'connect ECONNREFUSED', met: 0 },
      ],
      strangers: { ['ef'.repeat(32)]: 5 },
      failures: { 'no answer within 3000 ms': 2 },
    },
    makeStyle(false),
  )
  t.equal(
    text,
    `apiserver.example.com:8443
CONTROL PLANE  REACHED   CERTIFICATE
k8smaster1     20 of 27  abababababababab
k8smaster2     never     cdcdcdcdcdcdcdcd
k8smaster3     never     none: connect ECONNREFUSED
unknown server: certificate efefefefefefefef answered 5 connections; no control plane of the cluster file has it
failed: 2 of 27 connections: no answer within 3000 ms
`,
  )
})
