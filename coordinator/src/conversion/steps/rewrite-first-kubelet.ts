import { kubeletReports } from '../gates.js'
import { againstPolicy, policyServer, rewrite, rewriteAction } from '../rewrite.js'
import { defineStep } from '../run.js'
import { putBack } from '../undo.js'
import { kubeletBack } from '../undone-gates.js'

export const rewriteFirstKubelet = defineStep({
  id: 'rewrite-first-kubelet',
  title: 'Point the kubelet of the first control plane where its version wants it',
  documented: 'Update the kubelet',
  gate: 'Its Lease is renewed after the restart, the peers of its sockets are as intended.',
  undo: 'The old file is put back and the kubelet restarted.',
  width: 1,
  async plan(run) {
    const rewriting = await againstPolicy(run, run.first, 'kubelet')
    if (rewriting === undefined) return []
    return [rewriteAction(run.first.name, run.first, { rewritings: [rewriting], followedBy: ', restart the kubelet' })]
  },
  async apply(run, _action, call) {
    const rewriting = await againstPolicy(run, run.first, 'kubelet')
    if (rewriting !== undefined) await rewrite(run, run.first, { ...rewriting, call })
    await run.agent(run.first).change('restartKubelet', {}, call, 'restart')
  },
  async verify(run, _action, signal) {
    return kubeletReports(run, run.first, { server: await policyServer(run, run.first, 'kubelet'), signal })
  },
  async rollback(run, done, call) {
    if (done.results.length === 0) return
    await putBack(run, done, call)
    await run.agent(run.first).change('restartKubelet', {}, call, 'restart-again')
  },
  undone: (run, done, signal) => kubeletBack(run, done, signal),
})
