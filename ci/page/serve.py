"""Serves a folder on 127.0.0.1, at a port of the system's choice, which it prints.

/frame?width=390&wait=12&url=http://... shows another page that wide, and takes so many seconds to load: a
browser that takes a picture once a page is loaded takes it of what has happened until then.
"""
import functools
import html
import http.server
import time
import urllib.parse


class Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        url = urllib.parse.urlparse(self.path)
        asked = dict(urllib.parse.parse_qsl(url.query))
        if url.path == "/frame":
            address, width, wait = html.escape(asked["url"]), int(asked["width"]), int(asked["wait"])
            self.answer(
                f'<!doctype html><body style="margin:0"><img alt="" style="display:none" src="/wait?seconds={wait}">'
                f'<iframe style="border:0;height:100vh;width:{width}px" src="{address}"></iframe>'
            )
        elif url.path == "/wait":
            time.sleep(int(asked["seconds"]))
            self.answer("")
        else:
            super().do_GET()

    def answer(self, page):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(page.encode())

    def end_headers(self):
        # A file may change twice in a second, which is as exact as a browser can ask for what has changed since.
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    import sys

    handler = functools.partial(Handler, directory=sys.argv[1])
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()
