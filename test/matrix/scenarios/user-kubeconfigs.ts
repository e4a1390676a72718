import { lstatSync, readFileSync, symlinkSync, unlinkSync } from 'node:fs'
import { parse } from 'yaml'
import { runOf } from '../../support/simulated-cluster.js'
import { converts, refuses } from '../assertions.js'
import type { Scenario } from '../scenario.js'

const alice = '/home/alice/.kube/config'
const root = '/root/.kube/config'

/** Two clusters, comments, an anchor, credentials of her own: only one scalar of it is ours to change. */
const withTwoClusters = (server: string, admin: string): string => {
  const { clusters, users } = parse(admin)
  const { cluster } = clusters[0]
  const { user } = users[0]
  return `# alice, 2019: do not sort
apiVersion: v1
kind: Config
preferences: &none {}
current-context: prod
clusters:
  - name: staging
    cluster: {server: 'https://staging.example.com:6443', extensions: *none}   # another one
  - name: prod
    cluster:
      certificate-authority-data: ${cluster['certificate-authority-data']}
      server: "${server}" # the old master
contexts:
  - {name: staging, context: {cluster: staging, user: alice}}
  - {name: prod, context: {cluster: prod, user: alice}}
users:
  - name: alice
    user:
      client-certificate-data: ${user['client-certificate-data']}
      client-key-data: ${user['client-key-data']}
`
}

export const userKubeconfigs: Scenario = {
  id: 'user-kubeconfigs',
  title: "users' kubeconfigs: several clusters, comments, an anchor; a link to admin.conf",
  group: 'nodes',
  outcome: 'converted',
  note: 'In each the one `server:` of the context in use is changed and no other byte; a link to a file that is rewritten needs nothing. For laptops the command is in the plan and the report.',
  simulated: {
    versions: ['v1.37.2'],
    try: async (t, kubernetesVersion) => {
      let before = ''
      await converts(t, {
        site: { kubernetesVersion },
        prepare: async (cluster) => {
          const { name: node, address, root: folder } = cluster.node('cp1')
          const admin = readFileSync(`${folder}/etc/kubernetes/admin.conf`, 'utf8')
          before = withTwoClusters(`https://${address}:6443`, admin)
          await cluster.control.ask('writeFile', { node, path: alice, text: before })
          unlinkSync(folder + root)
          symlinkSync('../../etc/kubernetes/admin.conf', folder + root)
          const plan = await cluster.quorate(['plan', '-f', cluster.clusterFile])
          t.match(
            plan.stdout,
            'On each, run: kubectl config set-cluster kubernetes --server=https://apiserver.example.com:8443',
          )
        },
        looks: async (cluster) => {
          const { root: folder, address } = cluster.node('cp1')
          const wanted = before.replace(`https://${address}:6443`, 'https://apiserver.example.com:8443')
          t.equal(readFileSync(folder + alice, 'utf8'), wanted, 'one scalar of it')
          t.ok(lstatSync(folder + root).isSymbolicLink(), 'the link is left as it is')
          const report = await cluster.quorate(['report', runOf(cluster)])
          t.match(report.stdout, /Left to do elsewhere\n.*kubectl config set-cluster kubernetes --server=/)
        },
        undone: true,
      })
    },
  },
}

export const strangeLink: Scenario = {
  id: 'kubeconfig-link-elsewhere',
  title: "a user's kubeconfig that is a link to a file of their own",
  group: 'nodes',
  outcome: 'refused',
  note: 'Root would write wherever a user points; the finding has the command that makes a file of it.',
  simulated: {
    versions: ['v1.37.2'],
    try: (t, kubernetesVersion) =>
      refuses(t, 'symbolic link', {
        site: { kubernetesVersion },
        prepare: async (cluster) => {
          const { name: node, root: folder } = cluster.node('cp1')
          const text = readFileSync(folder + root, 'utf8')
          await cluster.control.ask('writeFile', { node, path: '/root/kubeconfig', text })
          unlinkSync(folder + root)
          symlinkSync('/root/kubeconfig', folder + root)
        },
      }),
  },
}
