import type { SharedFile } from '@quorate/shared/gen/quorate/v1/facts'
import { toJoin } from '../membership.js'
import type { Check, Finding } from './check.js'

const id = 'shared-files'
/** Where an agent writes shared files at all; the agent's own table is narrower still. */
const roots = ['/etc/', '/var/lib/', '/opt/', '/usr/local/']

/** kubeadm copies certificates, but not what the manifests mount besides: audit policy, encryption configuration, webhooks (pke#50, kubernetes#102715). */
export const sharedFiles: Check = {
  id,
  title: "Files that the first control plane's manifests name can be brought to the joiners",
  async check(run) {
    const files = (await run.nodeFacts(run.first)).sharedFiles.filter((file) => !file.directory)
    const joining = await toJoin(run)
    if (files.length === 0 || joining.length === 0) return []
    const left = files.filter((file) => !isBrought(file)).map((file) => notBrought(run.first.name, file))
    const brought = files.filter(isBrought).map((file) => file.path)
    return brought.length === 0
      ? left
      : [...left, ...joining.map((node) => toBeCopied(node.name, run.first.name, brought))]
  },
}

/** The agent gives no hash for a file that is too large to be brought along. */
function isBrought({ path, sha256 }: SharedFile): boolean {
  return sha256 !== '' && roots.some((root) => path.startsWith(root))
}

function notBrought(first: string, { path, sha256, component }: SharedFile): Finding {
  const why =
    sha256 === '' ? 'it is too large to be brought along' : `Quorate writes nothing outside ${roots.join(', ')}`
  return {
    id,
    severity: 'error',
    node: first,
    message: `the joiners need ${path}, which ${component} names, and ${why}`,
    evidence: path,
    remedy: `Copy ${path} to every joining control plane, with the same owner and mode; then add shared-files to policy.ignoreFindings with that as the reason.`,
  }
}

function toBeCopied(node: string, first: string, paths: readonly string[]): Finding {
  return {
    id,
    severity: 'info',
    node,
    message: `${paths.length} file(s) will be copied from ${first}: its static pods name them, and kubeadm does not bring them`,
    evidence: paths.join(', '),
    remedy: 'Nothing to do. Where one of these paths exists there already with other content, move it away first.',
  }
}
