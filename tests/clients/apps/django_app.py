"""Books in Django: its ORM, its routes, its middleware, signals and a cache."""

import logging
import os
import time

import django
from django.conf import settings
from django.core.cache import cache
from django.core.wsgi import get_wsgi_application
from django.db import connection, models
from django.http import HttpRequest, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import include, path
from django.views.decorators.http import require_GET, require_POST
from sentry_sdk.integrations.django import DjangoIntegration

from tests.clients.apps import serving

serving.report(integrations=[DjangoIntegration(cache_spans=True)])
logging.disable()
settings.configure(
    SECRET_KEY="no secrets here",
    ROOT_URLCONF=__name__,
    ALLOWED_HOSTS=["*"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": f"{os.environ['FOLDER']}/django.sqlite",
        }
    },
    CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
)
django.setup()


class Book(models.Model):
    title = models.CharField(max_length=80)

    class Meta:
        app_label = "books"

    def __str__(self) -> str:
        return str(self.title)


@require_GET
def book(_request: HttpRequest, number: int) -> JsonResponse:
    return JsonResponse({"title": get_object_or_404(Book, pk=number).title})


@require_POST
def add_book(request: HttpRequest) -> JsonResponse:
    Book.objects.create(title=request.POST["title"])
    return JsonResponse({"added": True})


@require_GET
def search(request: HttpRequest) -> JsonResponse:
    cache.get("searches")
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) FROM books_book WHERE title LIKE '%%{request.GET['q']}%%'", []
        )
        return JsonResponse({"found": cursor.fetchone()[0]})


def slow(_request: HttpRequest) -> JsonResponse:
    time.sleep(0.1)
    return JsonResponse({"books": len(Book.objects.filter(pk__in=[1, 2, 3]))})


def broken(_request: HttpRequest) -> JsonResponse:
    raise RuntimeError("the shelf broke")


shelf = [path("", add_book), path("search", search), path("<int:number>", book)]
urlpatterns = [
    path("books", include([path("", add_book)])),
    path("books/", include(shelf[1:])),
    path("slow", slow),
    path("broken", broken),
]


def main() -> None:
    with connection.schema_editor() as editor:
        editor.create_model(Book)
    Book.objects.bulk_create(Book(title=f"Book {n}") for n in range(5))
    serving.serve(get_wsgi_application())


if __name__ == "__main__":
    main()
