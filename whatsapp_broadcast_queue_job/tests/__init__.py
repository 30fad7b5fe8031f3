from . import test_jobs, test_translations
