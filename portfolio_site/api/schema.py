"""The OpenAPI document, and a page to read and try it on."""

from drf_spectacular.renderers import OpenApiJsonRenderer2, OpenApiYamlRenderer2
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView


class SchemaView(SpectacularAPIView):
    """JSON unless YAML is asked for (`?format=yaml` or `Accept: application/yaml`)."""

    renderer_classes = [OpenApiJsonRenderer2, OpenApiYamlRenderer2]
    authentication_classes = ()


class DocsView(SpectacularSwaggerSplitView):
    """Swagger UI with its script in a file of its own, as the content security policy asks."""

    template_name = "portfolio_site/api_docs.html"
    authentication_classes = ()
    url_name = "api-schema"
