import { readdirSync, readFileSync } from 'node:fs'
import { refuses } from '../assertions.js'
import type { Scenario } from '../scenario.js'

const path = '/etc/kubernetes/kubelet.conf'
const rotated = '/var/lib/kubelet/pki/kubelet-client-current.pem'

/** What `kubeadm init` before 1.17 left: the first certificate inside the file, of which rotation knows nothing. */
export const kubeletCertificate: Scenario = {
  id: 'kubelet-certificate-embedded',
  title: 'a kubelet.conf of before 1.17, with its client certificate inside',
  group: 'nodes',
  outcome: 'refused',
  note: 'That certificate has ended or will, and the restart that the conversion needs would be the last; the finding has the lines that fix it.',
  simulated: {
    versions: ['v1.37.2'],
    try: (t, kubernetesVersion) =>
      refuses(t, 'kubelet.conf embeds a client certificate', {
        site: { kubernetesVersion },
        prepare: async (cluster) => {
          const { name: node, root } = cluster.node('cp1')
          // The link to it is meant from the node's own root.
          const folder = `${root}/var/lib/kubelet/pki`
          const dated = readdirSync(folder).find((name) => /^kubelet-client-\d.*\.pem$/.test(name)) ?? ''
          const pem = readFileSync(`${folder}/${dated}`, 'utf8')
          const [, certificate = '', key = ''] = /^([\s\S]*?END CERTIFICATE-----\n)([\s\S]*)$/.exec(pem) ?? []
          const base64 = (text: string): string => Buffer.from(text).toString('base64')
          const text = readFileSync(root + path, 'utf8')
            .replace(`client-certificate: ${rotated}`, `client-certificate-data: ${base64(certificate)}`)
            .replace(`client-key: ${rotated}`, `client-key-data: ${base64(key)}`)
          t.match(text, 'client-key-data')
          await cluster.control.ask('writeFile', { node, path, text })
        },
      }),
  },
}
