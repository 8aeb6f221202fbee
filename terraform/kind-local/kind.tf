# One control plane and two workers, so that spreading, budgets and drains can be tried as they are in production.
resource "kind_cluster" "plinth" {
  name       = var.cluster_name
  node_image = var.node_image

  # The provider writes the cluster's administrator there in any case: into a file that Git ignores, then.
  kubeconfig_path = abspath("${path.module}/kubeconfig")

  # Nodes turn ready only when Cilium runs, and Cilium needs the API: waiting here would wait for ever.
  wait_for_ready = false

  kind_config {
    kind        = "Cluster"
    api_version = "kind.x-k8s.io/v1alpha4"

    networking {
      # Cilium is the network and replaces kube-proxy: see cilium.tf.
      disable_default_cni = true
      kube_proxy_mode     = "none"
    }

    node {
      role = "control-plane"

      # Only this machine reaches them: what runs here has no business on the office network.
      extra_port_mappings {
        host_port      = 80
        container_port = local.traefik_node_ports.http
        listen_address = "127.0.0.1"
        protocol       = "TCP"
      }

      extra_port_mappings {
        host_port      = 443
        container_port = local.traefik_node_ports.https
        listen_address = "127.0.0.1"
        protocol       = "TCP"
      }

      extra_mounts {
        host_path      = local.registry_hosts
        container_path = "/etc/containerd/certs.d"
      }
    }

    dynamic "node" {
      for_each = range(var.workers)

      content {
        role = "worker"

        extra_mounts {
          host_path      = local.registry_hosts
          container_path = "/etc/containerd/certs.d"
        }
      }
    }

    # Have containerd look there for where a registry is; its own default differs between versions of the node image.
    containerd_config_patches = [
      <<-TOML
        [plugins."io.containerd.cri.v1.images".registry]
          config_path = "/etc/containerd/certs.d"
      TOML
    ]
  }
}

provider "kubernetes" {
  host                   = kind_cluster.plinth.endpoint
  client_certificate     = kind_cluster.plinth.client_certificate
  client_key             = kind_cluster.plinth.client_key
  cluster_ca_certificate = kind_cluster.plinth.cluster_ca_certificate
}

provider "helm" {
  kubernetes = {
    host                   = kind_cluster.plinth.endpoint
    client_certificate     = kind_cluster.plinth.client_certificate
    client_key             = kind_cluster.plinth.client_key
    cluster_ca_certificate = kind_cluster.plinth.cluster_ca_certificate
  }
}
