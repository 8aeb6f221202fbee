# A private authority, so that the gateway of the dev environment speaks TLS without the world's help.
# cert-manager's CA issuer signs with it; `terraform output -raw ca_certificate` gives what a client is to trust.
resource "tls_private_key" "ca" {
  algorithm   = "ECDSA"
  ecdsa_curve = "P256"
}

resource "tls_self_signed_cert" "ca" {
  private_key_pem   = tls_private_key.ca.private_key_pem
  is_ca_certificate = true

  # Needed for a leaf to name its issuer's key; some clients refuse a chain without it.
  set_subject_key_id = true

  validity_period_hours = 5 * 365 * 24
  early_renewal_hours   = 90 * 24
  allowed_uses          = ["cert_signing", "crl_signing"]

  subject {
    common_name  = "Plinth development CA"
    organization = "Plinth"
  }
}

# cert-manager itself comes later, by ArgoCD, and finds the namespace and the key there.
resource "kubernetes_namespace_v1" "cert_manager" {
  metadata {
    name = "cert-manager"
  }

  depends_on = [helm_release.cilium]
}

resource "kubernetes_secret_v1" "ca" {
  metadata {
    name      = "plinth-ca"
    namespace = kubernetes_namespace_v1.cert_manager.metadata[0].name
  }

  type = "kubernetes.io/tls"
  data = {
    "tls.crt" = tls_self_signed_cert.ca.cert_pem
    "tls.key" = tls_private_key.ca.private_key_pem
  }
}
