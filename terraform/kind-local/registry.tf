# A registry on this machine: `docker push localhost:5001/plinth/auth:dev`, and pods pull it by the same name.
resource "docker_image" "registry" {
  name         = var.registry_image
  keep_locally = true
}

# Images outlive the container.
resource "docker_volume" "registry" {
  name = "${var.cluster_name}-registry"
}

resource "docker_container" "registry" {
  name    = local.registry_host
  image   = docker_image.registry.image_id
  restart = "unless-stopped"

  ports {
    internal = 5000
    external = 5001
    ip       = "127.0.0.1"
  }

  volumes {
    volume_name    = docker_volume.registry.name
    container_path = "/var/lib/registry"
  }

  # The network that kind made: nodes reach the registry there by its name.
  networks_advanced {
    name = "kind"
  }

  depends_on = [kind_cluster.plinth]
}

locals {
  registry_host  = "plinth-registry"
  registry_hosts = abspath("${path.module}/registry")
}

# Tools such as Tilt read here where images go.
resource "kubernetes_config_map_v1" "registry" {
  metadata {
    name      = "local-registry-hosting"
    namespace = "kube-public"
  }

  data = {
    "localRegistryHosting.v1" = yamlencode({
      host = "localhost:5001"
      help = "terraform/kind-local/registry.tf"
    })
  }
}
