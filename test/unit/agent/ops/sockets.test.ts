import t from 'tap'
import type { Command, Host } from '../../../../agent/src/host/host.js'
import { listSockets } from '../../../../agent/src/ops/list-sockets.js'
import { parseListening, readListening } from '../../../../agent/src/ops/network/sockets.js'
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

t.test('the programs of listening sockets are asked for again when a socket has come or gone', async (t) => {
  const asked: string[] = []
  let lines: readonly (readonly [inode: string, program: string])[] = [['101', 'haproxy']]
  let queued = 0
  const host = {
    run: async ({ file, args }: Command) => {
      asked.push(file)
      const socket = `LISTEN ${queued} 4096 *:8443 *:*`
      const shown = lines.map(([inode, program]) =>
        args.includes('-Htlne') ? `${socket} ${inode} sk:1 <->` : `${socket} users:(("${program}",pid=2,fd=5))`,
      )
      return { exitCode: 0, stdout: shown.join('\n'), stderr: '' }
    },
  } as unknown as Host
  const programs = async () => (await readListening(host)).map(({ process }) => process)
  const withInodes = (...sockets: readonly (readonly [string, string])[]) => {
    lines = sockets.map(([inode, program]) => [inode === '' ? '' : `ino:${inode}`, program])
    asked.length = 0
  }

  withInodes(['101', 'haproxy'])
  t.same([await programs(), asked], [['haproxy'], ['ss', 'systemd-run']])
  queued = 3
  asked.length = 0
  t.same([await programs(), asked], [['haproxy'], ['ss']], 'a connection that waits makes no other socket')
  withInodes(['102', 'nginx'])
  t.same([await programs(), asked], [['nginx'], ['ss', 'systemd-run']], 'another program took the port')
  withInodes(['102', 'nginx'], ['103', 'haproxy'])
  t.same(
    [await programs(), asked],
    [
      ['nginx', 'haproxy'],
      ['ss', 'systemd-run'],
    ],
  )
  for (const _ of [1, 2]) {
    withInodes(['', 'haproxy'])
    t.same([await programs(), asked], [['haproxy'], ['ss', 'systemd-run']], 'without inodes always')
  }
})
