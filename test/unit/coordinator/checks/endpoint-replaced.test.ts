import { parseClusterFile } from '@quorate/coordinator/config/parse-cluster-file'
import { endpointReplaced } from '@quorate/coordinator/conversion/checks/endpoint-replaced'
import t from 'tap'
import { fakeRun } from '../../../support/paper-cluster/reads.js'
import { clusterConfiguration, configMap, nodeNames, soundWorld } from '../../../support/paper-cluster/world.js'

const fileWith = (endpoint: string, loadBalancer = '{kind: haproxy, virtualIP: 192.168.13.100}') => `
apiVersion: quorate/v1alpha1
kind: Conversion
metadata: {name: prod}
endpoint: ${endpoint}
loadBalancer: ${loadBalancer}
controlPlanes:
${['cp1', 'cp2', 'cp3'].map((name, index) => `- {name: ${nodeNames[name as 'cp1']}, address: 192.168.13.3${index}}`).join('\n')}
workers: []
`

const adviceFor = async (present: string) => {
  const world = soundWorld()
  world.cluster.kubeadmConfig = configMap(clusterConfiguration(`controlPlaneEndpoint: ${JSON.stringify(present)}\n`))
  const [finding] = await endpointReplaced.check(fakeRun(world))
  return finding
}

t.test('what is advised for any controlPlaneEndpoint is accepted as a cluster file', async (t) => {
  const endpoints = [
    ...['old.example.com:6443', 'old.example.com:8443', 'old.example.com', 'OLD.example.com:443', 'old'],
    ...['192.168.13.30', '192.168.13.30:6443', '10.0.0.9', '10.0.0.9:6443', 'fd00::9', '[fd00::9]:6443'],
    ...[nodeNames.cp1, `${nodeNames.cp1}:6443`, `${nodeNames.cp2}:8443`, 'under_score.example.com:6443'],
  ]
  for (const present of endpoints) {
    const finding = await adviceFor(present)
    const [, advised] = /write endpoint: (\S+) in/.exec(finding?.remedy ?? '') ?? []
    if (advised !== undefined)
      t.doesNotThrow(() => parseClusterFile(fileWith(advised), 'cluster.yaml'), `${present}: ${advised}`)
    const [, loadBalancer] = /write loadBalancer: (\{.*?\}) in/.exec(finding?.remedy ?? '') ?? []
    if (loadBalancer !== undefined)
      t.doesNotThrow(
        () => parseClusterFile(fileWith('apiserver.example.com:6443', loadBalancer), 'cluster.yaml'),
        present,
      )
  }
  t.match(
    (await adviceFor('old.example.com:6443'))?.remedy,
    /endpoint: old\.example\.com:8443 in/,
    'the name with a free port',
  )
  t.match((await adviceFor('old.example.com:8443'))?.remedy, /endpoint: old\.example\.com:8443 in/)
})

t.test("the first control plane's own address is as good as no endpoint", async (t) => {
  for (const present of ['192.168.13.30', '192.168.13.30:6443']) t.match(await adviceFor(present), { severity: 'info' })
  t.match(await adviceFor('192.168.13.31'), { severity: 'warning', remedy: /external/ })
})
