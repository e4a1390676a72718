const hidden = '[redacted]'

/** Keys whose value is a secret wherever they are met: kubeconfigs, kubeadm documents, Secrets. */
const secretKey =
  '(?:client-key-data|certificate-?key|tls-?bootstrap-?token|token-secret|(?:id|access|refresh|bootstrap)?-?token|client-secret|password|auth_pass|private-?key|secret)'

/**
 * The three parts of a JSON Web Token among the characters that it is made of. Whole runs of them are looked at once: a search for the token's
 * beginning would try every `eyJ` of a long run up to the run's end.
 */
const tokenRun = /[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*/g

function redactTokens(text: string): string {
  if (!text.includes('eyJ')) return text
  return text.replace(tokenRun, (run) => {
    const parts = run.split('.')
    for (let at = 0; at + 2 < parts.length; at++) {
      const part = parts[at] ?? ''
      const begins = part.search(/\beyJ/)
      if (begins === -1 || part.length - begins < 'eyJ'.length + 8) continue
      parts.splice(at, 3, part.slice(0, begins) + hidden)
    }
    return parts.join('.')
  })
}

type Rule = readonly [RegExp, string] | ((text: string) => string)

const rules: readonly Rule[] = [
  [/-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|$)/g, hidden],
  // Base64 of a PEM that is not a certificate ("-----BEGIN " and then anything but "CERTIFICATE").
  [/LS0tLS1CRUdJTiB(?!DRVJUSUZJQ0FU)[A-Za-z0-9+/]{16,}={0,2}/g, hidden],
  [/AGE-SECRET-KEY-1[A-Z0-9]+/gi, hidden],
  redactTokens,
  [/\b(Bearer|Basic) [A-Za-z0-9._~+/=-]{8,}/gi, `$1 ${hidden}`],
  // Tokens of Quorate's own: of REST, and of nodes that join.
  [/\b(quorate(?:-node)?_[a-z0-9.-]{1,253}_)[A-Za-z0-9_-]{43}/g, `$1${hidden}`],
  // kubeadm's bootstrap token, `id.secret`: the id is public, it names the Secret.
  [/(?<![A-Za-z0-9._-])([a-z0-9]{6})\.[a-z0-9]{16}(?![A-Za-z0-9._-])/g, `$1.${hidden}`],
  [
    new RegExp(
      `((?<![A-Za-z0-9-])["']?${secretKey}["']?[ \\t]*[:=][ \\t]*)("(?:[^"\\\\\\n]|\\\\.)*"|'[^'\\n]*'|[^\\s,;}"'#&]+)`,
      'gi',
    ),
    `$1${hidden}`,
  ],
  // What `kubeadm init phase upload-certs` prints: the key on a line of its own.
  [/(certificate key:\s*)[0-9a-f]{64}/gi, `$1${hidden}`],
  [/(--(?:token|certificate-key|password|discovery-token|tls-bootstrap-token)[= ])\S+/g, `$1${hidden}`],
  [/(:\/\/[^\s/:@]+:)[^\s/@]+@/g, `$1${hidden}@`],
]

/**
 * Takes secrets out of text that goes to a log, an error or a report: private keys, tokens, certificate keys, passwords.
 * A second fence: secrets are not to get near such text in the first place. Certificates, hashes and pins stay.
 */
export function redact(text: string): string {
  return rules.reduce((clean, rule) => (typeof rule === 'function' ? rule(clean) : clean.replace(...rule)), text)
}
