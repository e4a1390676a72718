import t from 'tap'
import { listSockets } from '../../../../agent/src/ops/list-sockets.js'
import { parseListening } from '../../../../agent/src/ops/network/sockets.js'
import { OpsNode, rejected } from '../../../support/ops-node.js'

const established = `ESTAB      0      0                  192.168.13.30:45678              192.168.13.100:8443  users:(("kubelet",pid=700,fd=12))
ESTAB      0      0         [::ffff:192.168.13.30]:6443      [::ffff:192.168.13.35]:51000 users:(("kube-apiserver",pid=1,fd=9))
ESTAB      0      0                      127.0.0.1:1234                  127.0.0.1:6443   users:(("kube-controller",pid=2,fd=5),("kube-controller",pid=2,fd=6))
TIME-WAIT  0      0                  192.168.13.30:1                 192.168.13.30:6443
SYN-SENT   0      1                  192.168.13.30:2                 192.168.13.30:6443   users:(("kube-scheduler",pid=3,fd=5))
ESTAB      0      0                   [fd00::30]:3                        [fd00::100]:8443 users:(("kube-proxy",pid=4,fd=5))
`

t.test('connections of the components, where they really go', async (t) => {
  const node = await OpsNode.make(t)
  node.write('/run/ss-established', established)
  const { sockets } = await listSockets.run({}, node.tools, new AbortController().signal)
  t.strictSame(sockets, [
    { process: 'kubelet', peerAddress: '192.168.13.100', peerPort: 8443 },
    { process: 'kube-controller', peerAddress: '127.0.0.1', peerPort: 6443 },
    { process: 'kube-proxy', peerAddress: 'fd00::100', peerPort: 8443 },
  ])
  node.program('ss', 'echo "Cannot open netlink socket" >&2; exit 255')
  t.equal((await rejected(listSockets.run({}, node.tools, new AbortController().signal))).code, 'COMMAND_FAILED')
})

t.test('listening: every way ss writes an address', async (t) => {
  const text = `LISTEN 0 4096 127.0.0.53%lo:53 0.0.0.0:* users:(("systemd-resolve",pid=1,fd=1))
LISTEN 0 4096 *:8443 *:* users:(("haproxy",pid=2,fd=5))
LISTEN 0 128 [::]:22 [::]:*
`
  t.strictSame(parseListening(text), [
    { address: '127.0.0.53', port: 53, process: 'systemd-resolve' },
    { address: '::', port: 8443, process: 'haproxy' },
    { address: '::', port: 22, process: '' },
  ])
})
