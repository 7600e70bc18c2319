"""What every installation shares, read from the environment, each value with unit and reason."""

import os
from pathlib import Path

import dj_database_url

from .unfold import LOCALE_PATHS, UNFOLD  # noqa: F401

ROOT = Path(__file__).resolve().parents[3]
VAR = Path(os.environ.get("WENAN_VAR", ROOT / "var"))

# --- Who may reach us ----------------------------------------------------------------------------
DEBUG = False
SECRET_KEY = os.environ.get("SECRET_KEY", "")
ALLOWED_HOSTS = os.environ.get("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]").split(",")
# Sites that may embed the widget and open its socket, as origins: https://www.hospital.cn
WIDGET_ORIGINS = [o for o in os.environ.get("WIDGET_ORIGINS", "").split(",") if o]
CSRF_TRUSTED_ORIGINS = [o for o in os.environ.get("CSRF_TRUSTED_ORIGINS", "").split(",") if o]
ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"

# --- The house -----------------------------------------------------------------------------------
INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "channels",
    "vault",
    "events",
    "live",
    "hospital",
    "staff",
    "patients",
    "appointments",
    "records",
    "triage",
    "knowledge",
    "conversations",
    "tickets",
    "careplans",
    "assistant",
    "insight",
    "adapters",
    "adapters.fhir",
    "channels_app",
    "workers",
]
AUTH_USER_MODEL = "staff.StaffMember"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

MIDDLEWARE = [
    "channels_app.vendor_views.VendorsFirst",
    "django.middleware.security.SecurityMiddleware",
    "servestatic.middleware.ServeStaticMiddleware",
    "channels_app.security.ContentSecurityPolicy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "channels_app/templates"],  # before unfold's own first page
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
            ],
        },
    }
]

# --- The database: the queue of record -----------------------------------------------------------
DATABASE_URL = os.environ.get("DATABASE_URL") or f"sqlite:///{VAR / 'wenan.sqlite3'}"
DATABASES = {"default": dj_database_url.parse(DATABASE_URL)}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["ENGINE"] = "config.sqlite3"
    # With these, 0 % "database is locked" at 20 messages a second; with Django's defaults 41 %.
    DATABASES["default"]["OPTIONS"] = {
        # FULL: what was acknowledged to a patient survives a power cut. A batch shares the price.
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
        " PRAGMA secure_delete=ON;",
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,  # seconds that a writer waits for another
    }
else:
    # Nobody waits for ever for a database that is away, or for somebody else's lock. Longer than
    # any statement of ours; a long migration may be given more, and 0 is no limit.
    _limit_ms = 1_000 * int(os.environ.get("DATABASE_TIMEOUT_S", "30"))
    DATABASES["default"]["OPTIONS"] = {
        "pool": {"min_size": 2, "max_size": int(os.environ.get("DATABASE_POOL", "16"))},
        "connect_timeout": 5,  # seconds
        "tcp_user_timeout": 15_000,  # milliseconds until a host that is silent counts as gone
        "options": f"-c lock_timeout={_limit_ms} -c statement_timeout={_limit_ms}",
        **DATABASES["default"].get("OPTIONS", {}),  # what the URL asks for: sslmode, and more
    }
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True  # the pool may hold one from before a restart
DATABASES["default"]["CONN_MAX_AGE"] = 0  # under ASGI each request brings its own thread

# --- The two rings: doorbells for workers, glances for screens -----------------------------------
# Empty: embedded in the database (one machine). Else amqp://… and redis://…
BROKER_URL = os.environ.get("BROKER_URL", "")
REDIS_URL = os.environ.get("REDIS_URL", "")
EVENT_RINGER = "workers.bell.ring"
CODE_WAY = "adapters.codes.can_send_codes"  # asked before somebody is asked to prove who they are
MODEL_STATE = "workers.understanding.state"  # asked by /readyz
# The folder of a speech recognition model, see workers.hearing. Empty: no voice is put into words.
HEARING_MODEL = os.environ.get("HEARING_MODEL", "")
# A model server of the hospital's own, OpenAI-compatible, that may reword answers from articles,
# see workers.rephrasing. Empty: every patient reads the article's own words.
REPHRASING_URL = os.environ.get("REPHRASING_URL", "")  # http://10.0.0.5:8000
REPHRASING_MODEL = os.environ.get("REPHRASING_MODEL", "")  # the name that the server gives it
REPHRASING_KEY = os.environ.get("REPHRASING_KEY", "")
# 1: it may stand outside the hospital's own network. Patients' questions go there.
REPHRASING_ALLOW_PUBLIC = os.environ.get("REPHRASING_ALLOW_PUBLIC", "") == "1"
# Frames reach a web process by `live`, and fan out to its sockets by this layer.
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_app.layer.LocalLayer",
        "CONFIG": {"capacity": 1_000},  # frames a slow socket may lag before it must pull
    }
}
if REDIS_URL:
    CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
    }
else:
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

# --- Secrets of the vault ------------------------------------------------------------------------
VAULT_KEYS = Path(os.environ.get("VAULT_KEYS", VAR / "keys.json"))

# --- Languages: Chinese first, English complete --------------------------------------------------
LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", "简体中文"), ("en", "English")]
TIME_ZONE = os.environ.get("TIME_ZONE", "Asia/Shanghai")
USE_TZ = True

# --- Files ---------------------------------------------------------------------------------------
STATIC_URL = "static/"
STATIC_ROOT = VAR / "static"
SERVESTATIC_USE_FINDERS = True  # no collectstatic step on one machine
SERVESTATIC_AUTOREFRESH = False

# --- Staff accounts ------------------------------------------------------------------------------
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
LOGIN_URL = "/console/login/"
LOGIN_REDIRECT_URL = "/console/"
SESSION_COOKIE_AGE = 12 * 3600  # seconds: one long shift
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"  # the chat page alone says otherwise, to the sites in WIDGET_ORIGINS

# --- Logs carry ids and reasons, never words and names -------------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "events.logs.LineFormatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": os.environ.get("LOG_LEVEL", "INFO")},
    "loggers": {
        # Through our formatter, or a traceback of theirs would quote what somebody wrote; and
        # without a line for each socket that opens and closes.
        "uvicorn": {"handlers": [], "propagate": True, "level": "WARNING"},
        "uvicorn.error": {"level": "WARNING"},
        "uvicorn.access": {"level": "WARNING"},  # a URL holds no words, and is still noise
        "httpx": {"level": "WARNING"},  # it logs addresses, and a vendor's hold tokens
        "httpcore": {"level": "WARNING"},
        "django.request": {"level": "ERROR"},
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
    },
}

# --- Booking: a hospital's own rules, see appointments.policy -------------------------------------
BOOKING = {
    "days_ahead": int(os.environ.get("BOOKING_DAYS", "14")),  # that can be booked, today included
    "hold_s": int(os.environ.get("BOOKING_HOLD_S", "300")),  # to say yes to a chosen time
    "max_holds": 3,  # a family's, at a time
    "offer_s": int(os.environ.get("BOOKING_OFFER_S", "1800")),  # for somebody on the waitlist
    "night": ("21:00", "08:00"),  # an offer made in between stands until `offer_wakes`
    "offer_wakes": "09:00",
    "offer_lead_s": 3_600,  # before the visit nobody is offered a seat any more
    # Before the visit patients cannot cancel or move any more; 0: until it starts.
    "cancel_lead_s": int(os.environ.get("BOOKING_CANCEL_LEAD_S", "0")),
    "missed_after_s": 3_600,  # after the end of the slot
    # 0 where nobody is checked in by us: then nobody is said to have missed a visit.
    "checks_in": os.environ.get("BOOKING_CHECKS_IN", "1") == "1",
}

# --- Monitoring ----------------------------------------------------------------------------------
# Who brings it as a bearer token may read /metrics. Empty: this machine alone may.
METRICS_TOKEN = os.environ.get("METRICS_TOKEN", "")

# --- What the assistant says of itself -----------------------------------------------------------
HOSPITAL_NAME = os.environ.get("HOSPITAL_NAME", "")  # empty: the hospital's own row is asked
