mock_provider "random" {
  mock_resource "random_password" {
    defaults = {
      result = "made"
    }
  }

  mock_resource "random_bytes" {
    defaults = {
      base64 = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
    }
  }
}

run "passwords_fit_into_urls" {
  command = plan

  assert {
    condition = alltrue([
      for made in concat(values(random_password.database), values(random_password.database_owner), [random_password.redis]) :
      made.special == false && made.length >= 32
    ])
    error_message = "Passwords are letters and digits only, 32 or more."
  }

  assert {
    condition     = alltrue([for made in values(random_password.client) : made.special == false && made.length >= 48])
    error_message = "A client's secret has 48 characters or more."
  }
}

run "keys_are_of_aes_256" {
  command = plan

  assert {
    condition     = alltrue([for made in concat(values(random_bytes.sealing), [random_bytes.token]) : made.length == 32])
    error_message = "A key is 32 bytes."
  }
}

run "each_service_gets_its_keys" {
  command = apply

  assert {
    condition     = toset(keys(output.values)) == toset(output.names)
    error_message = "Each secret has a name, and each name a secret."
  }

  assert {
    condition     = toset(keys(output.values["auth"])) == toset(["database-password", "database-owner-password", "sealing-keys"])
    error_message = "auth is whom others prove themselves to: it has no secret of a client."
  }

  assert {
    condition = alltrue([for service in ["prefs", "webhook"] :
      toset(keys(output.values[service])) == toset(["database-password", "database-owner-password", "sealing-keys", "client-secret"])
    ])
    error_message = "prefs and webhook have a database, a sealing key and a secret to prove who they are."
  }

  assert {
    condition     = toset(keys(output.values["gateway"])) == toset(["token-keys", "client-secret"])
    error_message = "The gateway has no database."
  }

  assert {
    condition     = output.values["auth"]["sealing-keys"] == "k1:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
    error_message = "A sealing key has a name before its bytes, so that the next one can be told from it."
  }
}
