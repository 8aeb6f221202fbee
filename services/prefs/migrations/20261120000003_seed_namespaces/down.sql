DELETE FROM documents WHERE namespace IN ('appearance', 'locale', 'notifications');
DELETE FROM namespaces WHERE name IN ('appearance', 'locale', 'notifications');
