import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectCri } from '@quorate/agent/host/cri-client'
import { LinuxHost } from '@quorate/agent/host/linux-host'
import t, { type Test } from 'tap'
import { container, startContainerRuntime } from '../../../support/container-runtime.js'

// A unix socket's path holds 107 characters: the test's own folder would be too deep.
async function connected(t: Test, socket: string) {
  const root = mkdtempSync(join(tmpdir(), 'cri-'))
  t.teardown(() => rmSync(root, { recursive: true }))
  const runtime = await startContainerRuntime(t, join(root, 'run/c.sock'))
  const client = connectCri(new LinuxHost(root), socket)
  t.teardown(() => client.close())
  return { runtime, client }
}

t.test('tells version, containers with pod and namespace, and images', async (t) => {
  const { runtime, client } = await connected(t, '/run/c.sock')
  runtime.containers = [container('a1', 'kube-apiserver', 3), container('b2', 'etcd')]
  t.equal(await client.version(), 'containerd 1.7.2')
  t.equal((await client.containers([])).length, 2)
  t.same(await client.containers(['kube-apiserver']), [
    {
      id: 'a1',
      name: 'kube-apiserver',
      pod: 'kube-apiserver-cp1',
      namespace: 'kube-system',
      state: 'running',
      createdUnixMs: 1795000000123,
      attempt: 3,
      image: 'registry.k8s.io/kube-apiserver:v1',
    },
  ])
  await client.pullImage('registry.k8s.io/pause:3.10')
  t.same(await client.images(), ['registry.k8s.io/pause:3.10'])
})

t.test('stops with the grace that was asked for; kubeadm spells the socket as a URL', async (t) => {
  const { runtime, client } = await connected(t, 'unix:///run/c.sock')
  runtime.containers = [container('a1', 'kube-scheduler')]
  await client.stopContainer('a1', 30)
  t.same(runtime.stopped, ['a1 30'])
  t.equal((await client.containers([]))[0]?.state, 'exited')
  await t.rejects(client.stopContainer('zz', 1), {
    code: 'CONTAINER_RUNTIME_REFUSED',
    message: /stopping container zz: .*not found/,
  })
})

t.test('a runtime that is not there', async (t) => {
  const { client } = await connected(t, '/run/none.sock')
  await t.rejects(client.version(), { code: 'CONTAINER_RUNTIME_REFUSED' })
})
