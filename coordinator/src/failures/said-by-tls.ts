import type { Explanation } from './explanation.js'

/** TLS messages of any program. */
export const saidByTls: readonly Explanation[] = [
  {
    id: 'certificate-lacks-name',
    pattern:
      /x509: certificate is valid for .{0,400}, not |x509: cannot validate certificate for \S{1,300} because it doesn't contain any IP SANs/,
    cause: 'The client calls the API server by a name or address that its certificate does not have.',
    remedy:
      '`quorate convert` reissues it with the endpoint. To inspect it: openssl x509 -noout -ext subjectAltName -in /etc/kubernetes/pki/apiserver.crt',
  },
  {
    id: 'certificate-time',
    pattern:
      /certificate has expired or is not yet valid|certificate is not valid yet|current time \S{1,300} is (?:before|after)/,
    cause: 'A clock is wrong, or a certificate has expired: on this control plane only, if it was renewed on another.',
    remedy:
      'timedatectl on both ends; kubeadm certs check-expiration on every control plane, and there kubeadm certs renew all',
  },
  {
    id: 'certificate-of-another-ca',
    pattern: /x509: certificate signed by unknown authority/,
    cause: 'The two sides have different CAs: one of them has pki files of another cluster, or from before a rotation.',
    remedy:
      'sha256sum /etc/kubernetes/pki/ca.crt /etc/kubernetes/pki/etcd/ca.crt on both; on the joiner: kubeadm reset, and join again.',
  },
  {
    id: 'certificate-refused',
    pattern: /remote error: tls: bad certificate/,
    cause:
      "The remote side rejected the certificate: often the first control plane's own server or peer certificate was copied to another node.",
    remedy:
      'Only ca, front-proxy-ca, etcd/ca and sa are shared. On that node: openssl x509 -noout -subject -ext subjectAltName -in /etc/kubernetes/pki/etcd/peer.crt',
  },
  {
    id: 'plain-http',
    pattern: /Client sent an HTTP request to an HTTPS server/,
    cause: 'The load balancer or its health check speaks plain HTTP to the API server.',
    remedy: 'In its configuration: mode tcp for the frontend, and check-ssl (or http-check connect ssl) for the check.',
  },
]
