-- The health of an Application is that of what it deploys. ArgoCD left this rule out in 1.8, and without it a
-- sync wave of Applications is done as soon as they exist.
health = { status = "Progressing", message = "Not judged yet" }
if obj.status ~= nil and obj.status.health ~= nil then
  health.status = obj.status.health.status
  health.message = obj.status.health.message or ""
end
return health
