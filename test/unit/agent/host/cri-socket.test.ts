import { execFileSync } from 'node:child_process'
import { findCriSocket } from '@quorate/agent/host/cri-socket'
import t from 'tap'
import { OpsNode } from '../../../support/ops-node.js'

const containerd = '/run/containerd/containerd.sock'
const crio = '/var/run/crio/crio.sock'

t.test('the runtime that the kubelet was told, else one that answers, else one that is there', async (t) => {
  const node = await OpsNode.make(t)
  const found = () => findCriSocket(node.tools.host)
  t.equal(found(), containerd, 'nothing is known')
  node.write(crio, '')
  t.equal(found(), crio, 'it is there')
  node.write(containerd, '')
  t.equal(found(), containerd, "both are: kubeadm's order")
  node.write('/proc/net/unix', `0000: 00000002 00000000 00010000 0001 01 20093 ${crio}\n`)
  t.equal(found(), crio, 'the other one is a leftover that nobody listens at')
  node.write(
    '/var/lib/kubelet/kubeadm-flags.env',
    `KUBELET_KUBEADM_ARGS="--container-runtime-endpoint=unix://${containerd} --v=2"\n`,
  )
  t.equal(found(), containerd, 'the kubelet was told')
  node.write(
    '/etc/default/kubelet',
    `# KUBELET_EXTRA_ARGS=--container-runtime-endpoint=/no\nKUBELET_EXTRA_ARGS=--container-runtime-endpoint=${crio}\n`,
  )
  t.equal(found(), crio, 'the later counts')
})

t.test('a KubeletConfiguration tells it however it is written', async (t) => {
  const node = await OpsNode.make(t)
  const told = (text: string) => {
    node.write('/var/lib/kubelet/config.yaml', text)
    return findCriSocket(node.tools.host)
  }
  for (const text of [
    `containerRuntimeEndpoint: unix://${crio}\n`,
    `containerRuntimeEndpoint: "unix:${crio}" # ours\n`,
    `containerRuntimeEndpoint:\n  ${crio}\n`,
    `{"kind": "KubeletConfiguration", "containerRuntimeEndpoint": "${crio}"}`,
  ])
    t.equal(told(text), crio, text)
  for (const text of [
    `containerRuntimeEndpoint: ""\n/x: 1\n`,
    `x:\n  containerRuntimeEndpoint: ${crio}\n`,
    `containerRuntimeEndpoint: [${crio}]\n`,
    `containerRuntimeEndpoint: \t- [\n`,
    'containerRuntimeEndpoint: tcp://127.0.0.1:1\n',
  ])
    t.equal(told(text), containerd, text)
})

t.test('of a file without end the beginning counts, and a FIFO is no configuration', async (t) => {
  const node = await OpsNode.make(t)
  const flags = `KUBELET_KUBEADM_ARGS="--container-runtime-endpoint=unix://${crio}"\n`
  node.write('/var/lib/kubelet/kubeadm-flags.env', `${'#\n'.repeat(2 * 2 ** 20)}${flags}`)
  t.equal(findCriSocket(node.tools.host), containerd, 'no more than 4 MiB are read')
  node.write('/var/lib/kubelet/kubeadm-flags.env', flags)
  node.write('/etc/default/else', '')
  execFileSync('mkfifo', [node.tools.host.realPath('/etc/default/kubelet')])
  t.equal(findCriSocket(node.tools.host), crio)
})
