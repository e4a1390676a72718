/** Exit codes of `quorate`, as the contract has them. */
export const exitCode = {
  done: 0,
  defect: 1,
  usage: 2,
  blocked: 3,
  stepFailed: 4,
  needsPerson: 5,
  clusterHeld: 6,
  notHighlyAvailable: 7,
  interrupted: 130,
} as const

export type ExitName = keyof typeof exitCode

interface CatalogueEntry {
  /** gRPC status in which the agent returns the error to the coordinator. */
  readonly status:
    | 'INVALID_ARGUMENT'
    | 'NOT_FOUND'
    | 'ALREADY_EXISTS'
    | 'PERMISSION_DENIED'
    | 'UNAUTHENTICATED'
    | 'FAILED_PRECONDITION'
    | 'ABORTED'
    | 'UNAVAILABLE'
    | 'DEADLINE_EXCEEDED'
    | 'CANCELLED'
    | 'INTERNAL'
  readonly exit: ExitName
  /** Set where what failed may still be under way, or its undo do harm: the run leaves it as it is, a person decides. */
  readonly undo?: 'by-hand'
  /** What the operator does next; may name a command. */
  readonly remedy: string
}

/**
 * Every user-visible error: code, gRPC status, exit code, remedy. docs/errors.md is generated from it, and a test
 * proves that every code is used and documented.
 */
export const catalogue = {
  USAGE: { status: 'INVALID_ARGUMENT', exit: 'usage', remedy: 'See `quorate --help`.' },
  CLUSTER_FILE_INVALID: {
    status: 'INVALID_ARGUMENT',
    exit: 'usage',
    remedy: 'Correct the cluster file at the line named; docs/cluster-file.md lists every key.',
  },
  AGENT_CONFIG_INVALID: {
    status: 'INVALID_ARGUMENT',
    exit: 'usage',
    remedy: 'Correct /etc/quorate/agent.yaml, or enroll the node again: `quorate enroll NODE --bundle DIR`.',
  },
  STATE_NOT_INITIALISED: {
    status: 'FAILED_PRECONDITION',
    exit: 'usage',
    remedy: 'Run `quorate init` first, or name the state folder with --state.',
  },
  STATE_EXISTS: {
    status: 'ALREADY_EXISTS',
    exit: 'usage',
    remedy: 'The state folder already holds a fleet; name another with --state.',
  },
  RUN_NOT_FOUND: {
    status: 'NOT_FOUND',
    exit: 'usage',
    remedy: '`quorate status` lists the runs of this state folder.',
  },
  RUN_OVER: {
    status: 'FAILED_PRECONDITION',
    exit: 'usage',
    remedy: '`quorate status RUN` shows how the run ended. `quorate convert` starts a new one.',
  },
  JOURNAL_DAMAGED: {
    status: 'FAILED_PRECONDITION',
    exit: 'needsPerson',
    remedy: 'Copy the journal away, then see docs/runbook.md#damaged-journal.',
  },
  CHECKPOINT_REFUSED: {
    status: 'FAILED_PRECONDITION',
    exit: 'needsPerson',
    remedy:
      'The history in the state folder is not the one that was shown before: run `quorate audit verify --against-agents`.',
  },
  HISTORY_CONTRADICTED: {
    status: 'FAILED_PRECONDITION',
    exit: 'needsPerson',
    remedy:
      'What was recorded has been changed since. Keep a copy of the state folder, and see docs/security.md#audit.',
  },
  CLUSTER_NOT_READ: {
    status: 'FAILED_PRECONDITION',
    exit: 'blocked',
    remedy: 'Try the same kubeconfig with `kubectl get nodes`, then run `quorate discover` again. Nothing was changed.',
  },
  COORDINATOR_UNREACHABLE: {
    status: 'UNAVAILABLE',
    exit: 'blocked',
    remedy:
      'On the machine of the coordinator: `quorate serve --enroll-listen ADDRESS:PORT` must run, and its port must be open from here. Then run this command again.',
  },
  COORDINATOR_UNTRUSTED: {
    status: 'UNAUTHENTICATED',
    exit: 'blocked',
    remedy:
      'Look at the address, and at what stands between: a proxy that opens TLS is not the coordinator. After a rotation of the root, create another token: `quorate token node NAME --address HOST`.',
  },
  AGENT_UNREACHABLE: {
    status: 'UNAVAILABLE',
    exit: 'blocked',
    remedy: 'On that node: `systemctl status quorate-agent`, and open port 7445 from this machine.',
  },
  AGENT_UNTRUSTED: {
    status: 'UNAUTHENTICATED',
    exit: 'blocked',
    remedy:
      'This fleet did not issue the certificate of the node, or the certificate has expired. Enroll the node again: `quorate enroll NODE --bundle DIR`.',
  },
  AGENT_ANSWER_REFUSED: {
    status: 'FAILED_PRECONDITION',
    exit: 'blocked',
    remedy:
      'On that node: `quorate-agent --version` and `journalctl -u quorate-agent`. If the version is that of `quorate --version`, the agent does not behave as Quorate made it: treat the node as taken over, see docs/threat-model.md#a-node-that-was-taken-over.',
  },
  SSH_FAILED: {
    status: 'UNAVAILABLE',
    exit: 'blocked',
    remedy:
      'Is the node starting again? When `ssh` reaches it, run `quorate deploy` again: it continues with what it finds there.',
  },
  NODE_UNSUITABLE: {
    status: 'FAILED_PRECONDITION',
    exit: 'blocked',
    remedy: 'Correct it on the node, then run `quorate deploy` again. Nothing was changed there.',
  },
  INSTALL_FAILED: {
    status: 'FAILED_PRECONDITION',
    exit: 'stepFailed',
    remedy: 'Correct the cause on the node, then run `quorate deploy` again: it continues with what it finds there.',
  },
  IDENTITY_REVOKED: {
    status: 'PERMISSION_DENIED',
    exit: 'blocked',
    undo: 'by-hand',
    remedy:
      'If this key is yours, make a new one in the state folder that is in use: `quorate renew coordinator --early`. Then restart `quorate serve`, and continue a run that stopped with `quorate resume RUN`.',
  },
  NODE_REVOKED: {
    status: 'UNAUTHENTICATED',
    exit: 'blocked',
    remedy:
      'To use the node again, give it a new key: `quorate enroll NODE --address HOST --bundle DIR`, copy the folder to /etc/quorate there, restart quorate-agent.',
  },
  ROOT_KEY_LOCKED: {
    status: 'FAILED_PRECONDITION',
    exit: 'usage',
    remedy:
      'Type its passphrase: on a terminal the command asks for it; in a script, name a file with --passphrase-file. The issuer is made again by `quorate renew issuer`.',
  },
  REVOKES_ITSELF: {
    status: 'FAILED_PRECONDITION',
    exit: 'usage',
    remedy:
      'Make a new key first: `quorate renew coordinator --early`. Then run the command again: it revokes the keys that the coordinator had before.',
  },
  DENY_LIST_REFUSED: {
    status: 'FAILED_PRECONDITION',
    exit: 'blocked',
    remedy:
      'Run `quorate revoke` again: it takes over the newest list that a node has, and signs the next one. `quorate nodes` shows which list each node has.',
  },
  TRUST_BUNDLE_REFUSED: {
    status: 'FAILED_PRECONDITION',
    exit: 'blocked',
    remedy:
      'Nothing was changed on that node. `quorate root show` says which roots this state folder trusts, and how far a rotation is; a node that trusts none of them is enrolled again.',
  },
  ACCESS_DENIED: {
    status: 'PERMISSION_DENIED',
    exit: 'usage',
    remedy: 'This certificate does not carry the role that the operation needs.',
  },
  NOT_AUTHENTICATED: {
    status: 'UNAUTHENTICATED',
    exit: 'usage',
    remedy:
      'Send `Authorization: Bearer TOKEN` with the token that `quorate serve` wrote into the state folder, or a client certificate of the fleet.',
  },
  BLOCKED_BY_FINDINGS: {
    status: 'FAILED_PRECONDITION',
    exit: 'blocked',
    remedy: 'Fix each finding as its remedy says, then run `quorate plan` again. Nothing was changed.',
  },
  PLAN_CHANGED: {
    status: 'ABORTED',
    exit: 'blocked',
    remedy: 'The cluster has changed since the plan was approved. Read the new plan and approve it.',
  },
  NOT_APPROVED: {
    status: 'CANCELLED',
    exit: 'interrupted',
    remedy: 'Nothing was changed. Run the command again when you are ready.',
  },
  APPROVAL_INVALID: {
    status: 'PERMISSION_DENIED',
    exit: 'usage',
    remedy: 'Have the current plan approved again, by an approver whose certificate this fleet issued.',
  },
  APPROVALS_MISSING: {
    status: 'FAILED_PRECONDITION',
    exit: 'blocked',
    remedy:
      'Nothing was changed. Approvers review and sign the plan with `quorate approve`; then run the command again.',
  },
  TOO_MANY_STREAMS: {
    status: 'UNAVAILABLE',
    exit: 'blocked',
    remedy: 'Close event streams that are not read, or ask for the run itself: GET /v1/runs/ID.',
  },
  CLUSTER_HELD: {
    status: 'ABORTED',
    exit: 'clusterHeld',
    remedy: 'Another run holds this cluster: `quorate status` shows it. Wait until it has finished, or stop it.',
  },
  FENCED: {
    status: 'ABORTED',
    exit: 'clusterHeld',
    remedy: 'A newer coordinator has taken over this cluster. Follow its run; this one has stopped.',
  },
  STEP_FAILED: {
    status: 'FAILED_PRECONDITION',
    exit: 'stepFailed',
    remedy:
      'The cluster works. Fix the cause, then continue with `quorate resume RUN`, or undo the run with `quorate rollback RUN`.',
  },
  GATE_TIMEOUT: {
    status: 'DEADLINE_EXCEEDED',
    exit: 'stepFailed',
    remedy:
      'The cluster works. The last observation is above. Fix the cause, then continue with `quorate resume RUN`, or undo the run with `quorate rollback RUN`.',
  },
  CERTIFICATES_NOT_SIGNED: {
    status: 'FAILED_PRECONDITION',
    exit: 'stepFailed',
    remedy:
      'The key of the CA is not on the cluster. Sign the named requests as described in docs/runbook.md#external-ca and put each certificate beside its request. Then continue with `quorate resume RUN`, or undo the run with `quorate rollback RUN`.',
  },
  AVAILABILITY_BUDGET_SPENT: {
    status: 'FAILED_PRECONDITION',
    exit: 'stepFailed',
    remedy:
      'The run stopped at a safe place: the API was unavailable for longer than policy.availabilityBudgetSeconds allows in one step. `quorate report RUN` shows when and why. Fix the cause, then continue with `quorate resume RUN`, or undo the run with `quorate rollback RUN`.',
  },
  QUORUM_AT_RISK: {
    status: 'FAILED_PRECONDITION',
    exit: 'needsPerson',
    undo: 'by-hand',
    remedy: 'Read docs/runbook.md#quorum before you remove any member by hand.',
  },
  NOT_HIGHLY_AVAILABLE: {
    status: 'FAILED_PRECONDITION',
    exit: 'notHighlyAvailable',
    remedy: 'Each finding above says what to fix. `quorate plan` shows what Quorate would do.',
  },
  INTERRUPTED: {
    status: 'CANCELLED',
    exit: 'interrupted',
    remedy:
      'The run stopped at a safe place. Continue with `quorate resume RUN`, or undo the run with `quorate rollback RUN`.',
  },
  DRIFT: {
    status: 'ABORTED',
    exit: 'stepFailed',
    remedy:
      'Another client changed this object after the plan was made; the diff is above. Coordinate with its owner, then run `quorate plan` again.',
  },
  OPERATION_MISMATCH: {
    status: 'INVALID_ARGUMENT',
    exit: 'defect',
    remedy:
      'This is a bug in Quorate: the same operation id came with another payload. Please report it with the journal.',
  },
  OPERATION_UNKNOWN_OUTCOME: {
    status: 'ABORTED',
    exit: 'needsPerson',
    undo: 'by-hand',
    remedy: 'The node stopped during this operation, and its outcome is unknown. See docs/runbook.md#unknown-outcome.',
  },
  NODE_BUSY: {
    status: 'UNAVAILABLE',
    exit: 'stepFailed',
    remedy: 'Another operation is running on this node. Wait until it has finished.',
  },
  NOT_A_CONTROL_PLANE: {
    status: 'FAILED_PRECONDITION',
    exit: 'defect',
    remedy:
      'This operation requires a control plane. If the machine is to become one, `quorate convert` joins it. Otherwise check the roles in the cluster file, and /etc/kubernetes/manifests on the machine.',
  },
  ADMIN_KUBECONFIG_MISSING: {
    status: 'FAILED_PRECONDITION',
    exit: 'blocked',
    remedy:
      'Put /etc/kubernetes/admin.conf back on that control plane (mode 0600, owner root) until the conversion has finished; Quorate asks the API server with it.',
  },
  NOT_IN_TABLE: {
    status: 'INVALID_ARGUMENT',
    exit: 'defect',
    remedy:
      'The agent changes only what its table names. Update the agent. If the error persists, this is a bug in Quorate: please report it with the output above.',
  },
  FOLDER_REFUSED: {
    status: 'FAILED_PRECONDITION',
    exit: 'stepFailed',
    remedy:
      'certificatesDir, etcd.local.dataDir and staticPodPath must each name a separate folder below folders that only root can write to: chown root and chmod go-w the folders above.',
  },
  INVALID_REQUEST: {
    status: 'INVALID_ARGUMENT',
    exit: 'defect',
    remedy: 'Coordinator and agent disagree: compare their versions with `quorate nodes`.',
  },
  COMMAND_FAILED: {
    status: 'FAILED_PRECONDITION',
    exit: 'stepFailed',
    remedy: 'The last lines of the output of the command are above.',
  },
  API_SERVER_REFUSED: {
    status: 'FAILED_PRECONDITION',
    exit: 'stepFailed',
    remedy: 'The local API server returned an error; its message is above.',
  },
  ETCD_REFUSED: {
    status: 'FAILED_PRECONDITION',
    exit: 'stepFailed',
    remedy: 'etcd returned an error. Read docs/runbook.md#etcd before you change its members.',
  },
  CONTAINER_RUNTIME_REFUSED: {
    status: 'FAILED_PRECONDITION',
    exit: 'stepFailed',
    remedy:
      'The container runtime did not answer, refused, or its answer cannot be used. On that node: `systemctl status containerd` (or the runtime that runs there), and `ss -xlp` shows which process listens at its socket.',
  },
  NOT_JOINED_BY_THIS_RUN: {
    status: 'FAILED_PRECONDITION',
    exit: 'stepFailed',
    remedy:
      'Quorate resets only the nodes that the same run joined. To remove this node by hand, read docs/runbook.md#quorum, then run `kubeadm reset` on it.',
  },
  CERTIFICATE_INVALID: {
    status: 'FAILED_PRECONDITION',
    exit: 'stepFailed',
    remedy: 'The staged certificate did not pass its checks. The certificate in use was not changed.',
  },
  KUBECONFIG_INVALID: {
    status: 'FAILED_PRECONDITION',
    exit: 'stepFailed',
    remedy: 'The file cannot be read as a kubeconfig. It was not changed. Correct it by hand.',
  },
  CONFIG_MAP_INVALID: {
    status: 'FAILED_PRECONDITION',
    exit: 'stepFailed',
    remedy: 'The ConfigMap does not have the format that kubeadm writes. It was not changed.',
  },
  SYSTEM_REFUSED: {
    status: 'FAILED_PRECONDITION',
    exit: 'stepFailed',
    remedy:
      'The operating system of that node returned the error above. Check for a full or read-only disk, and that the agent runs as root.',
  },
  MANIFEST_INVALID: {
    status: 'FAILED_PRECONDITION',
    exit: 'blocked',
    remedy: 'The static pod manifest cannot be read as the kubelet reads it. It was not changed. Correct it by hand.',
  },
  FILE_TOO_LARGE: {
    status: 'FAILED_PRECONDITION',
    exit: 'blocked',
    remedy: 'Move the file away, or make it smaller. Configuration files and certificates are far below this limit.',
  },
  SYMLINK_REFUSED: {
    status: 'FAILED_PRECONDITION',
    exit: 'stepFailed',
    remedy:
      'The path is a symbolic link, and Quorate does not follow links when it writes. Replace the link with a file.',
  },
  UNSAFE_FILE: {
    status: 'FAILED_PRECONDITION',
    exit: 'stepFailed',
    remedy:
      'Quorate reads and writes a file in a home only if it is a regular file of at most 1 MiB with one name, and if it and each folder on its path belong to root or to the owner of that home. Correct that on the node, or remove the file, then run the command again.',
  },
  PORT_IN_USE: {
    status: 'FAILED_PRECONDITION',
    exit: 'blocked',
    remedy: 'Choose another port in the cluster file, or stop what listens there.',
  },
  SECRET_NOT_FOR_US: {
    status: 'FAILED_PRECONDITION',
    exit: 'stepFailed',
    remedy:
      'The agent was restarted after the secret was encrypted for it. Run the step again; it encrypts the secret again.',
  },
  SEAL_UNPROVEN: {
    status: 'PERMISSION_DENIED',
    exit: 'stepFailed',
    remedy:
      'Secrets go only from node to node of one fleet. Run the same version of quorate-agent on every node and restart it, then run the step again. If the error persists, enroll the named node again: `quorate enroll NODE --bundle DIR`.',
  },
  PINNED_TO_ANOTHER: {
    status: 'PERMISSION_DENIED',
    exit: 'stepFailed',
    remedy: 'If the change is yours, clear the pin on that node as described in docs/threat-model.md#pins.',
  },
  BACKUP_MISSING: {
    status: 'NOT_FOUND',
    exit: 'needsPerson',
    remedy:
      'This run has no backup of that name on that node. The copy of the coordinator is in its state folder under backups/.',
  },
  BACKUP_DAMAGED: {
    status: 'FAILED_PRECONDITION',
    exit: 'needsPerson',
    remedy:
      'Do not use this copy. The node has another one: `quorate-agent backups` there lists it, `quorate-agent open-backup` opens it; see docs/runbook.md#etcd.',
  },
  INTERNAL: {
    status: 'INTERNAL',
    exit: 'defect',
    remedy:
      'This is a bug in Quorate. Please report it with the output above. The correlation id finds the stack trace in the journal of the program that failed.',
  },
} as const satisfies Record<string, CatalogueEntry>

export type ErrorCode = keyof typeof catalogue

/** True for a code of the catalogue. Text from elsewhere may be `constructor`, which every object has. */
export const isErrorCode = (text: string): text is ErrorCode => Object.hasOwn(catalogue, text)

export interface QuorateErrorOptions {
  /** Node or file on which the error occurred. */
  readonly where?: string
  /** Overrides the remedy of the catalogue where a better one is known. */
  readonly remedy?: string
  readonly cause?: unknown
  readonly correlationId?: string
}

/** The one error class: what, where, why and what to do next. */
export class QuorateError extends Error {
  override readonly name = 'QuorateError'
  readonly code: ErrorCode
  readonly where: string | undefined
  readonly remedy: string
  readonly correlationId: string | undefined

  constructor(code: ErrorCode, message: string, options: QuorateErrorOptions = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause })
    this.code = code
    this.where = options.where
    this.remedy = options.remedy ?? catalogue[code].remedy
    this.correlationId = options.correlationId
  }

  get exitCode(): number {
    return exitCode[catalogue[this.code].exit]
  }
}

/** Turns anything thrown into a QuorateError; any other error becomes INTERNAL and keeps its cause. */
export function asQuorateError(error: unknown, where?: string): QuorateError {
  if (error instanceof QuorateError) return error
  const message = error instanceof Error ? error.message : String(error)
  return new QuorateError('INTERNAL', message, { cause: error, ...(where === undefined ? {} : { where }) })
}
