mock_provider "docker" {}
mock_provider "helm" {}
mock_provider "kubernetes" {}
mock_provider "tls" {}

mock_provider "kind" {
  mock_resource "kind_cluster" {
    defaults = {
      endpoint = "https://127.0.0.1:6443"
    }
  }
}

mock_provider "random" {
  mock_resource "random_password" {
    defaults = {
      result = "made"
    }
  }
}

variables {
  repo_url = "https://git.example/plinth.git"
}

run "cilium_takes_the_place_of_what_kind_leaves_out" {
  command = plan

  assert {
    condition     = kind_cluster.plinth.kind_config[0].networking[0].disable_default_cni == true && kind_cluster.plinth.kind_config[0].networking[0].kube_proxy_mode == "none"
    error_message = "kind brings neither a network nor kube-proxy."
  }

  assert {
    condition     = yamldecode(helm_release.cilium.values[0]).kubeProxyReplacement == true && yamldecode(helm_release.cilium.values[0]).k8sServiceHost == "${kind_cluster.plinth.name}-control-plane"
    error_message = "Cilium replaces kube-proxy, and finds the API at the node itself."
  }
}

run "nodes_ports_and_the_registry" {
  command = plan

  assert {
    condition     = [for node in kind_cluster.plinth.kind_config[0].node : node.role] == ["control-plane", "worker", "worker"]
    error_message = "One control plane, two workers."
  }

  assert {
    condition     = { for port in kind_cluster.plinth.kind_config[0].node[0].extra_port_mappings : port.host_port => port.container_port } == { 80 = 30080, 443 = 30443 }
    error_message = "Ports 80 and 443 lead to Traefik's node ports."
  }

  assert {
    condition     = alltrue([for port in kind_cluster.plinth.kind_config[0].node[0].extra_port_mappings : port.listen_address == "127.0.0.1"])
    error_message = "Only this machine reaches the cluster."
  }

  assert {
    condition     = alltrue([for node in kind_cluster.plinth.kind_config[0].node : node.extra_mounts[0].container_path == "/etc/containerd/certs.d"])
    error_message = "Each node knows the registry."
  }

  assert {
    condition     = strcontains(file("${path.module}/registry/localhost_5001_/hosts.toml"), "http://${docker_container.registry.name}:5000")
    error_message = "The nodes' file names the registry's container."
  }

  assert {
    condition     = one(docker_container.registry.ports).external == 5001 && one(docker_container.registry.ports).ip == "127.0.0.1"
    error_message = "The registry is on 127.0.0.1:5001."
  }
}

run "secrets_are_where_their_readers_look" {
  command = apply

  assert {
    condition     = toset(keys(kubernetes_secret_v1.plinth)) == toset(["alerts", "auth", "gateway", "grafana", "minio", "notify", "prefs", "redis", "webhook"])
    error_message = "A Secret for each service, and for what stands in for the cloud's."
  }

  assert {
    condition     = alltrue([for secret in kubernetes_secret_v1.plinth : secret.metadata[0].namespace == "plinth-secrets"])
    error_message = "The ClusterSecretStore of the dev environment reads plinth-secrets."
  }

  assert {
    condition     = toset(keys(kubernetes_secret_v1.plinth["minio"].data)) == toset(["access-key", "secret-key"])
    error_message = "MinIO has an access key and a secret key."
  }

  assert {
    condition     = kubernetes_secret_v1.ca.metadata[0].name == "plinth-ca" && kubernetes_secret_v1.ca.metadata[0].namespace == "cert-manager" && toset(keys(kubernetes_secret_v1.ca.data)) == toset(["tls.crt", "tls.key"])
    error_message = "cert-manager finds the authority in its own namespace."
  }
}

run "argocd_reads_the_environments_folder" {
  command = plan

  assert {
    condition     = [for source in yamldecode(helm_release.root.values[0]).applications.root.sources : source.path] == ["argocd/projects", "argocd/infra", "argocd/bootstrap/dev", "argocd/appsets/dev"]
    error_message = "The root Application reads the projects, and the folder of its environment."
  }
}

run "an_image_without_digest_is_refused" {
  command = plan

  variables {
    node_image = "kindest/node:v1.34.0"
  }

  expect_failures = [var.node_image]
}

run "a_floating_chart_is_refused" {
  command = plan

  variables {
    chart_versions = {
      cilium = "1.18"
    }
  }

  expect_failures = [var.chart_versions]
}

run "prod_is_refused" {
  command = plan

  variables {
    environment = "prod"
  }

  expect_failures = [var.environment]
}
