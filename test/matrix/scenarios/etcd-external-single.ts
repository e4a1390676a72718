import { ended, runOf } from '../../support/simulated-cluster.js'
import { converts } from '../assertions.js'
import type { Scenario } from '../scenario.js'

export const etcdExternalSingle: Scenario = {
  id: 'etcd-external-single',
  title: 'an external etcd of one member',
  group: 'etcd',
  outcome: 'converted',
  note: 'Its API servers become three; the plan warns, and `verify` says no (exit 7), for as long as etcd dies with one machine.',
  simulated: {
    versions: ['v1.37.2'],
    try: (t, kubernetesVersion) =>
      converts(t, {
        site: { kubernetesVersion, externalEtcd: { members: 1 } },
        async prepare(cluster) {
          const plan = await cluster.quorate(['plan', '-f', cluster.clusterFile])
          ended(t, plan)
          t.match(plan.stdout, /etcd-topology.*\n?.*external etcd has 1 voter/)
        },
        async looks(cluster) {
          const { stdout } = await cluster.quorate(['verify', '-f', cluster.clusterFile, '-o', 'json'])
          const { proofs } = JSON.parse(stdout) as { proofs: { id: string; holds: boolean }[] }
          t.same(
            proofs.filter(({ holds }) => !holds).map(({ id }) => id),
            ['etcd-topology'],
            'that alone is missing',
          )
          const report = await cluster.quorate(['report', runOf(cluster)])
          t.match(report.stdout, /NOT HIGHLY AVAILABLE: external etcd has 1/)
          t.match(report.stdout, /NOT PROVED: etcd-topology/)
        },
        voters: 1,
        verified: 7,
      }),
  },
}
