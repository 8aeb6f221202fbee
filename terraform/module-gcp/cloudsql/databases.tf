# A database a service, and two users: `<service>_owner` migrates it, `<service>` reads and writes rows.
#
# Google puts each user that is made by its API into cloudsqlsuperuser, and PUBLIC may connect to each database. What
# keeps one service out of another's database is therefore said in SQL, once, before the first migration:
#   REVOKE cloudsqlsuperuser FROM <service>, <service>_owner;
#   REVOKE CONNECT ON DATABASE <service> FROM PUBLIC;  GRANT CONNECT ON DATABASE <service> TO <service>, <service>_owner;
#   ALTER DATABASE <service> OWNER TO <service>_owner;
resource "google_sql_database" "service" {
  for_each = toset(var.services)

  name      = each.key
  instance  = google_sql_database_instance.this.name
  charset   = "UTF8"
  collation = "en_US.UTF8"

  # A database that is taken off the list stays until somebody drops it by hand.
  deletion_policy = "ABANDON"
}

# Letters and digits only: passwords become part of a URL.
resource "random_password" "service" {
  for_each = toset(var.services)

  length  = 40
  special = false
}

resource "random_password" "owner" {
  for_each = toset(var.services)

  length  = 40
  special = false
}

resource "google_sql_user" "service" {
  for_each = toset(var.services)

  name     = each.key
  instance = google_sql_database_instance.this.name
  password = random_password.service[each.key].result

  # A user that owns something cannot be dropped; leave it to whoever drops the database.
  deletion_policy = "ABANDON"
}

resource "google_sql_user" "owner" {
  for_each = toset(var.services)

  name     = "${each.key}_owner"
  instance = google_sql_database_instance.this.name
  password = random_password.owner[each.key].result

  deletion_policy = "ABANDON"
}
