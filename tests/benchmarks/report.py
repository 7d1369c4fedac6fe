def told(found, command):
    return ""


def plot(found):
    return ""
